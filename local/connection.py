"""HTTP/1.1 as API Gateway speaks it: keep-alive, limits of size, every refusal in the shape of the contract."""

import re
import time
from contextlib import suppress
from http import HTTPStatus
from io import BytesIO
from socket import SHUT_WR
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

from werkzeug import Response
from werkzeug.serving import DechunkedInput, WSGIRequestHandler

if TYPE_CHECKING:
    from local.gateway import Gateway

_BODY_LIMIT = 10 * 1024 * 1024
_HEADER_LIMIT = 10_240
_LINGER_SECONDS = 5


class BodyTooLarge(Exception):
    """Larger than API Gateway takes."""


class Connection(WSGIRequestHandler):
    """Werkzeug's, which closes after every answer and loses the case of headers."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave together
    timeout = 75

    @property
    def _gateway(self) -> "Gateway":
        gateway: Any = self.server.app
        return gateway  # type: ignore[no-any-return]

    def run_wsgi(self) -> None:
        if sum(len(name) + len(value) for name, value in self.headers.items()) > _HEADER_LIMIT:
            return self.send_error(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        try:
            environ = self.make_environ()
            environ["wsgi.input"] = BytesIO(body := self._read_body())
        except BodyTooLarge:
            return self._refuse(self._gateway.refuse("REQUEST_TOO_LARGE"))
        except ValueError:
            return self.send_error(HTTPStatus.BAD_REQUEST)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        return self._send(Response.from_app(self._gateway, environ, buffered=True))

    def make_environ(self) -> dict[str, Any]:
        target = urlsplit(self.path.encode("latin-1").decode(errors="replace"))
        # An encoded slash is no boundary between segments: it stays encoded.
        path = unquote(re.sub("%2f", "%252F", target.path, flags=re.IGNORECASE))
        return {
            **super().make_environ(),
            "PATH_INFO": path.encode().decode("latin-1"),
            "QUERY_STRING": target.query.encode().decode("latin-1"),
            "local.headers": self.headers.items(),
        }

    def _read_body(self) -> bytes:
        """Raises BodyTooLarge, ValueError."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            try:
                body = DechunkedInput(cast("IO[bytes]", self.rfile)).read(_BODY_LIMIT + 1)
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
        """The caller of a large body waits for this."""
        answered = super().handle_expect_100()
        self.wfile.flush()
        return answered

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """What is not HTTP, or too much of it."""
        self.request_version = self.protocol_version
        status = HTTPStatus(code) if code < HTTPStatus.INTERNAL_SERVER_ERROR else HTTPStatus.BAD_REQUEST
        self._refuse(self._gateway.refuse("DEFAULT_4XX", status))

    def _refuse(self, response: Response) -> None:
        """And closes. Not at once: closing on bytes that nobody read takes the answer from the caller."""
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
        """Not at all: paths and queries hold phones."""

    def log_error(self, format: str, *args: object) -> None:  # noqa: A002 - the name is given
        """Not at all, for the same reason."""
