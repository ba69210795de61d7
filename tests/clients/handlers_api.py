"""The API behind httpx2: the handlers in this process."""

from threading import Lock

import httpx
import httpx2

from tests.behaviour.transport import HandlerTransport


class Api:
    """One request at a time, because moto takes no more."""

    def __init__(self) -> None:
        self.methods: set[str] = set()
        self._lock = Lock()

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.methods.add(request.method)
        translated = httpx.Request(
            request.method,
            str(request.url),
            headers=request.headers.raw,
            content=request.content,
            extensions={"target": request.url.raw_path},
        )
        with self._lock:
            answer = HandlerTransport().handle_request(translated)
            return httpx2.Response(answer.status_code, headers=answer.headers.raw, content=answer.read())
