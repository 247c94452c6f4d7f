"""The hostile replies and some good pages, served on loopback by a process of its own, one thread a connection."""

import socket
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.chaos.hostile_replies import PAGE, Drip, Flood, html, replies

GOOD = 40
NAMES = tuple(replies())


def path_of(name):
    return f"/{NAMES.index(name):03}"


def good_paths():
    return [f"/good{number:02}" for number in range(GOOD)]


@contextmanager
def serving():
    """Yields host:port; a process of its own, as floods would take this one's time."""
    command = [sys.executable, "-m", "tests.chaos.raw_server"]
    with subprocess.Popen(
        command, cwd=Path(__file__).parents[2], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            yield server.stdout.readline().strip()
        finally:
            server.kill()


def _send(connection, reply, over):
    match reply:
        case bytes():
            connection.sendall(reply)
        case Flood():
            connection.sendall(reply.first)
            while not over.wait(0.002):  # other threads are to get their turn
                connection.sendall(reply.piece)
        case Drip():
            connection.sendall(reply.first)
            while not over.wait(reply.pause):
                connection.sendall(reply.piece)


def _answer(connection, served, over):
    with connection, suppress(OSError):
        connection.settimeout(60)
        head = b""
        while b"\r\n\r\n" not in head:
            received = connection.recv(65536)
            if not received:
                return
            head += received
        path = head.split(b" ", 2)[1].decode()
        _send(connection, served.get(path, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), over)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):  # closing over unread bytes would reset what was sent
            pass


def main():
    """Serves until its standard input ends."""
    served = {path_of(name): reply for name, reply in replies().items()}
    served |= {path: html(PAGE, b"Connection: close", b"Content-Length: %d" % len(PAGE)) for path in good_paths()}
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0), backlog=500) as listener:

        def accept():
            while True:
                connection = listener.accept()[0]
                threading.Thread(target=_answer, args=(connection, served, over), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        sys.stdout.write("{}:{}\n".format(*listener.getsockname()))
        sys.stdout.flush()
        sys.stdin.read()
        over.set()


if __name__ == "__main__":
    main()
