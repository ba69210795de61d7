"""HTTPS in front of DynamoDB Local: as on AWS, a first call pays for root certificates and a handshake."""

import asyncio
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import botocore.httpsession
import trustme

from roots import split


def make_certificate(directory: Path) -> tuple[ssl.SSLContext, Mapping[str, str]]:
    """The server's context, and the environment variables that let an SDK trust it."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    bundle = directory / "certificates.pem"
    authorities = Path(botocore.httpsession.where()).read_bytes()  # the peers load all of them in a first call
    bundle.write_bytes(authorities + authority.cert_pem.bytes())
    split(bundle)  # as the build of our layer does
    return context, {"AWS_CA_BUNDLE": str(bundle)}


@contextmanager
def run_tls(url: str, directory: Path) -> Iterator[Mapping[str, str]]:
    """Yields the environment variables that send an SDK through it."""
    context, trusting = make_certificate(directory)
    target = urlsplit(url)

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, requests = await asyncio.open_connection(target.hostname, target.port)
        await asyncio.gather(_pump(reader, requests), _pump(answers, writer), return_exceptions=True)

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(relay, "127.0.0.1", 0, ssl=context))
    port = server.sockets[0].getsockname()[1]
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        yield {"AWS_ENDPOINT_URL_DYNAMODB": f"https://127.0.0.1:{port}", **trusting}
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(asyncio.wait_for(_end(), 5))
        loop.close()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while chunk := await source.read(65536):
        sink.write(chunk)
        await sink.drain()
    sink.close()


async def _end() -> None:
    """Connections whose clients were killed are still open."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
