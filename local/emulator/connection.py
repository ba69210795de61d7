"""HTTP/1.1 as API Gateway speaks it: keep-alive, size limits, and a gateway response for what is not HTTP."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from io import BufferedReader, BytesIO
from socket import SHUT_WR, socket
from threading import Thread
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

from werkzeug import Response
from werkzeug.serving import DechunkedInput, WSGIRequestHandler, make_server

from local.emulator.refusals import Refusals

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_BODY_LIMIT = 10 * 1024 * 1024
_HEADER_LIMIT = 10_240
_LINGER_SECONDS = 5


class BodyTooLarge(Exception):
    pass


@contextmanager
def serve(application: "WSGIApplication", refusals: Refusals, listener: socket) -> Iterator[None]:
    class Connection(_Connection):
        def __init__(self, *socketserver: Any) -> None:  # noqa: ANN401 - passed on
            self.refusals = refusals
            super().__init__(*socketserver)

    host, port = listener.getsockname()
    server = make_server(host, port, application, threaded=True, request_handler=Connection, fd=listener.fileno())
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


class _Connection(WSGIRequestHandler):
    """Werkzeug's handler closes the connection after every answer and loses the case of header names."""

    refusals: Refusals

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body go out in one packet
    timeout = 75

    def run_wsgi(self) -> None:
        if sum(len(name) + len(value) for name, value in self.headers.items()) > _HEADER_LIMIT:
            return self.send_error(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        try:
            environ = self.make_environ()
            environ["wsgi.input"] = BytesIO(body := self._read_body())
        except BodyTooLarge:
            return self._refuse(self.refusals.answer("REQUEST_TOO_LARGE"))
        except ValueError:
            return self.send_error(HTTPStatus.BAD_REQUEST)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        return self._send(Response.from_app(self.server.app, environ, buffered=True))

    def make_environ(self) -> dict[str, Any]:
        target = urlsplit(self.path.encode("latin-1").decode(errors="replace"))
        # An encoded slash does not separate segments, so routing must still see it encoded.
        path = unquote(re.sub("%2f", "%252F", target.path, flags=re.IGNORECASE))
        return {
            **super().make_environ(),
            "PATH_INFO": path.encode().decode("latin-1"),
            "QUERY_STRING": target.query.encode().decode("latin-1"),
            "local.path": target.path,
            "local.headers": self.headers.items(),
        }

    def _read_body(self) -> bytes:
        """Raises BodyTooLarge, ValueError."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            try:
                # When a chunk ends early, DechunkedInput shortens its buffer. It cannot shorten that of BufferedReader.
                chunks: Any = DechunkedInput(cast("IO[bytes]", self.rfile))
                body: bytes = BufferedReader(chunks).read(_BODY_LIMIT + 1)
            except OSError:
                raise ValueError from None
            length = len(body)
        else:
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length) if 0 <= length <= _BODY_LIMIT else b""
        if length > _BODY_LIMIT:
            raise BodyTooLarge
        if length != len(body):
            raise ValueError
        return body

    def handle_expect_100(self) -> bool:
        """Flushes: a client with a large body waits for "100 Continue" before it sends the body."""
        answered = super().handle_expect_100()
        self.wfile.flush()
        return answered

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Answers a request that is not HTTP, or whose head is too large."""
        self.request_version = self.protocol_version
        status = HTTPStatus(code) if code < HTTPStatus.INTERNAL_SERVER_ERROR else HTTPStatus.BAD_REQUEST
        self._refuse(self.refusals.answer("DEFAULT_4XX", status=status))

    def _refuse(self, response: Response) -> None:
        """Answers, then waits before it closes: closing with unread input would reset the connection."""
        self.close_connection = True
        self._send(response)
        with suppress(OSError):
            self.connection.shutdown(SHUT_WR)
            self.connection.settimeout(1)
            deadline = time.monotonic() + _LINGER_SECONDS
            while self.rfile.read1() and time.monotonic() < deadline:
                pass

    def _send(self, response: Response) -> None:
        body = response.get_data()
        self.send_response(response.status_code)
        response.headers["Content-Length"] = str(len(body))
        for name, value in response.headers:
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Logs nothing: paths and queries contain phone numbers."""

    def log_error(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Logs nothing, for the same reason."""
