"""TLS to AWS: one context has the root certificates, and the clients share it.

botocore loads all of them at the first connection and again at each further one, which takes 17 ms of CPU each time.
What is verified stays botocore's and urllib3's business. docs/decisions/0043 and 0050 have the reasons.
"""

from functools import cache
from os.path import isdir
from ssl import SSLContext
from typing import Any

from botocore.httpsession import create_urllib3_context, get_cert_path


class _Loaded(SSLContext):
    """Has the roots of its file already. urllib3 asks for them before each handshake."""

    def load_verify_locations(self, *_: object) -> None:
        pass


def load_roots(client: Any) -> None:  # noqa: ANN401 - botocore's clients have no static types
    """Needs no network. Call it before the client's first request. Raises OSError if the file is missing."""
    http = client._endpoint.http_session  # noqa: SLF001 - botocore has no public way to hand over a context
    if client.meta.endpoint_url.startswith("https:"):
        http._manager.connection_pool_kw["ssl_context"] = _context(get_cert_path(http._verify))  # noqa: SLF001


@cache
def _context(file: str) -> SSLContext:
    """The layer has a folder beside the file, from which OpenSSL reads a root when a handshake needs it."""
    context: SSLContext = create_urllib3_context()
    folder = f"{file}.d"
    if isdir(folder):  # noqa: PTH112 - starts without pathlib
        context.load_verify_locations(capath=folder)
    else:
        context.load_verify_locations(file)
    context.__class__ = _Loaded
    return context
