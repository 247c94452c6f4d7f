import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """A real listener on loopback; ``heads`` are the request heads it received, ``accepted`` its connections."""

    port: int = 0
    heads: list[bytes] = field(default_factory=list)
    accepted: int = 0

    @property
    def allow(self):
        return f"127.0.0.1:{self.port}"

    def url(self, target="/"):
        return f"http://127.0.0.1:{self.port}{target}"


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[Server]]]:
    """Starts servers that send the given bytes, or run the given script, after each request head, then close."""
    running = []
    tasks = set()

    async def start(reply: bytes | Script, *, tls: ssl.SSLContext | None = None, keep: bool = False) -> Server:
        server = Server()

        async def answer(reader, writer):
            server.accepted += 1
            tasks.add(asyncio.current_task())
            try:
                while True:
                    server.heads.append(await reader.readuntil(b"\r\n\r\n"))
                    if isinstance(reply, bytes):
                        writer.write(reply)
                    else:
                        await reply(reader, writer)
                    await writer.drain()
                    if not keep:
                        return
            except (OSError, EOFError, asyncio.CancelledError):
                return
            finally:
                writer.close()

        listener = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
        server.port = listener.sockets[0].getsockname()[1]
        running.append(listener)
        return server

    yield start
    for listener in running:
        listener.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
