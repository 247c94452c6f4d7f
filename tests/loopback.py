"""Ports and answers of servers that tests and benchmarks start."""

import socket
import time
import urllib.request


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def wait_for(url, seconds=30):
    for _ in range(int(seconds * 10)):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - loopback
                return answer.status
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"nothing answers at {url}")
