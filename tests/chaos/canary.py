"""Listeners on loopback that nobody may reach."""

import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Canary:
    """A listener on loopback that nobody may reach; ``accepted`` counts who did."""

    ports: dict[str, int] = field(default_factory=dict)
    accepted: list[str] = field(default_factory=list)


@contextmanager
def listening(hosts, port=0, reply=b""):
    """Accepts and counts connections at every host of ``hosts``, all on one port."""
    canary, sockets, threads = Canary(), [], []

    def accept(listener, host):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            canary.accepted.append(host)
            with connection:
                connection.sendall(reply)

    try:
        for host in hosts:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listener = socket.create_server((host, port), family=family)
            port = listener.getsockname()[1]
            canary.ports[host] = port
            sockets.append(listener)
            thread = threading.Thread(target=accept, args=(listener, host), daemon=True)
            thread.start()
            threads.append(thread)
        yield canary
    finally:
        for listener in sockets:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for thread in threads:
            thread.join(5)
