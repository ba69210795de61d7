"""Files that are served beside the API, to this machine alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from werkzeug import Request, Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""A page of another origin can neither load nor frame the files."""


@dataclass(frozen=True)
class File:
    content: bytes
    content_type: str


class Pages:
    """Serves `files`, by path, and leaves all other requests to the application.

    A file can contain an API key, so requests must name this machine in their Host header: a web page whose own name
    resolves to 127.0.0.1 gets what the application answers.
    """

    def __init__(self, application: "WSGIApplication", address: str) -> None:
        self._application = application
        port = address.rpartition(":")[2]
        self._hosts = {address, f"localhost:{port}"}
        self.files: dict[str, File] = {}

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        request = Request(environ)
        file = self.files.get(request.path)
        if file is None or request.method != "GET" or request.headers.get("Host") not in self._hosts:
            return self._application(environ, start_response)
        response = Response(file.content, content_type=file.content_type, headers=_HEADERS)
        return response(environ, start_response)
