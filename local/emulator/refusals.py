"""Gateway responses: the answers that API Gateway gives by itself, with the bodies that the template defines."""

import uuid
from http import HTTPStatus
from typing import Any

from werkzeug import Response

from local.emulator.logs import Log

# The status of a gateway response whose definition sets none.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
_DEFAULT_STATUS = {
    "ACCESS_DENIED": 403,
    "API_CONFIGURATION_ERROR": 500,
    "AUTHORIZER_FAILURE": 500,
    "DEFAULT_4XX": 400,
    "DEFAULT_5XX": 500,
    "INTEGRATION_FAILURE": 504,
    "INTEGRATION_TIMEOUT": 504,
    "INVALID_API_KEY": 403,
    "MISSING_AUTHENTICATION_TOKEN": 403,
    "REQUEST_TOO_LARGE": 413,
    "THROTTLED": 429,
    "UNAUTHORIZED": 401,
}


class Refused(Exception):
    """The gateway answers with this gateway response and calls no function."""

    def __init__(self, response_type: str, cause: str = "") -> None:
        super().__init__(cause)
        self.response_type = response_type


class Refusals:
    def __init__(self, gateway_responses: dict[str, dict[str, Any]], log: Log) -> None:
        self._gateway_responses = gateway_responses
        self._log = log

    def answer(
        self,
        response_type: str,
        *,
        status: HTTPStatus | None = None,
        route: str = "-",
        request_id: str = "",
        cause: str = "",
    ) -> Response:
        """`status` applies where the definition sets none. The cause goes to the log alone."""
        code = status or _DEFAULT_STATUS[response_type]
        definition = self._gateway_responses.get(response_type) or self._gateway_responses[f"DEFAULT_{code // 100}XX"]
        code, request_id = definition.get("StatusCode", code), request_id or str(uuid.uuid4())
        self._log.write("gateway", f"{code} {response_type} {route} request_id={request_id} {cause}".rstrip())
        ((content_type, body),) = definition["ResponseTemplates"].items()
        headers = definition.get("ResponseParameters", {}).get("Headers", {})
        return Response(
            body.replace("$context.requestId", request_id),
            int(code),
            {
                "Content-Type": content_type,
                "x-amzn-RequestId": request_id,
                **{name: constant.strip("'") for name, constant in headers.items()},
            },
        )
