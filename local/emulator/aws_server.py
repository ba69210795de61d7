"""moto's server for the services that are used: `python -m local.emulator.aws_server HOST PORT`.

Programs of this machine may call it, web pages may not: a page that a developer visits could otherwise read secrets
and fill queues. It refuses every request that a browser sends for a page, and every other service of moto.
"""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.exceptions import Forbidden, HTTPException
from werkzeug.sansio.utils import host_is_trusted
from werkzeug.serving import run_simple

from local.emulator.processes import HOST_NAMES

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

SERVICES = {"apigateway", "secretsmanager", "sqs", "sts"}


class Application(DomainDispatcherApplication):
    def __init__(self, host: str) -> None:
        super().__init__(create_backend_app)
        self._host_names = {host, *HOST_NAMES}

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        is_from_page = "HTTP_ORIGIN" in environ or "HTTP_SEC_FETCH_SITE" in environ
        try:
            if is_from_page or not host_is_trusted(environ.get("HTTP_HOST"), self._host_names):
                raise Forbidden
            answer: Iterable[bytes] = self.get_application(environ)(environ, start_response)
        except HTTPException as refusal:
            return refusal(environ, start_response)
        return answer

    def get_backend_for_host(self, host: str | None) -> Any:  # noqa: ANN401 - moto's signature
        backend = super().get_backend_for_host(host)
        if backend not in {None, *SERVICES}:
            raise Forbidden
        return backend


if __name__ == "__main__":
    host, port = sys.argv[1], int(sys.argv[2])
    run_simple(host, port, Application(host), threaded=True, request_handler=MotoRequestHandler)
