# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy on loopback that stands for Google's addresses: it ends TLS itself and passes everything on to the lab.

Modules whose addresses are fixed reach the lab through it, unchanged: HTTPS_PROXY names it, and REQUESTS_CA_BUNDLE the
authority that it makes up for the occasion, both for one process only. It opens no connection but to the lab; whoever
asks for another host is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from gkelab.world.pki import issue_server, new_authority, write_secret

HOSTS = ("container.googleapis.com", "compute.googleapis.com", "www.googleapis.com")
_LOOPBACK = "127.0.0.1"
_PIECE = 1 << 16


class _Relay:
    """The proxy's connections. ``target`` is the lab's port."""

    def __init__(self, target: int, context: ssl.SSLContext) -> None:
        self._target = target
        self._context = context

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client's connection, from CONNECT to its end."""
        # Either side may go away at any time; there is nobody to tell.
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n", 1)[0]
            if not is_for_google(head):
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            else:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await writer.drain()
                await writer.start_tls(self._context)
                await self._join(reader, writer)
        with contextlib.suppress(OSError):
            writer.close()
            await writer.wait_closed()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lab_reader, lab_writer = await asyncio.open_connection(_LOOPBACK, self._target)
        await asyncio.gather(_pump(reader, lab_writer), _pump(lab_reader, writer))


def is_for_google(request_line: bytes) -> bool:
    """Whether this is a CONNECT to one of the hosts that the lab stands for."""
    method, _, rest = request_line.decode("latin-1").partition(" ")
    host, _, port = rest.partition(" ")[0].rpartition(":")
    return method == "CONNECT" and host in HOSTS and port == "443"


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Copy until the source ends; then the other side is told."""
    try:
        while piece := await source.read(_PIECE):
            sink.write(piece)
            await sink.drain()
    finally:
        sink.close()


@contextmanager
def relay(target: int, folder: Path) -> Iterator[Mapping[str, str]]:
    """A relay to the lab on that port; yields the variables of a process that is to use it.

    Args:
        target: the lab's port.
        folder: where certificates may lie.
    """
    authority = new_authority("benchmark relay")
    pair = issue_server(authority, HOSTS[0], HOSTS, [])
    bundle, server = folder / "authority.pem", folder / "server.pem"
    bundle.write_text(authority.pem, encoding="utf-8")
    write_secret(server, pair.certificate + pair.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server)
    loop = asyncio.new_event_loop()
    listener = loop.run_until_complete(asyncio.start_server(_Relay(target, context).serve, _LOOPBACK, 0, backlog=1024))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield {
            "HTTPS_PROXY": f"http://{_LOOPBACK}:{listener.sockets[0].getsockname()[1]}",
            "REQUESTS_CA_BUNDLE": str(bundle),
            "NO_PROXY": _LOOPBACK,
        }
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        listener.close()
        loop.run_until_complete(_end(loop))
        loop.close()


async def _end(loop: asyncio.AbstractEventLoop) -> None:
    """Let connections go that are still open."""
    left = asyncio.all_tasks(loop) - {asyncio.current_task(loop)}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
