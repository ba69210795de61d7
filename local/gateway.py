"""API Gateway: SAM's local one, and what it leaves out (refusals, the authorizer's cache, limits)."""

import json
import traceback
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from http import HTTPStatus
from socket import socket
from threading import Lock, Thread
from typing import Any

from cachetools import TTLCache
from flask import Request, Response, g, has_request_context, request
from samcli.local.apigw.authorizers.lambda_authorizer import (  # type: ignore[import-untyped]
    LambdaAuthorizer,
    LambdaAuthorizerIAMPolicyValidator,
)
from samcli.local.apigw.event_constructor import construct_v1_event  # type: ignore[import-untyped]
from samcli.local.apigw.exceptions import InvalidLambdaAuthorizerResponse  # type: ignore[import-untyped]
from samcli.local.apigw.local_apigw_service import LocalApigwService  # type: ignore[import-untyped]
from samcli.local.apigw.path_converter import PathConverter  # type: ignore[import-untyped]
from samcli.local.apigw.route import Route  # type: ignore[import-untyped]
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.serving import make_server

from local.connection import Connection
from local.logs import Log
from local.runtimes import FunctionFailed, FunctionTimedOut, Runtimes
from local.template import Template
from local.usage_plans import LimitReached, UnknownKey, UsagePlans

_EVENT_LIMIT = 6 * 1024 * 1024  # Lambda's

# The status of a refusal that the template gives none.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
_STATUS = {
    "ACCESS_DENIED": HTTPStatus.FORBIDDEN,
    "API_CONFIGURATION_ERROR": HTTPStatus.INTERNAL_SERVER_ERROR,
    "AUTHORIZER_FAILURE": HTTPStatus.INTERNAL_SERVER_ERROR,
    "DEFAULT_4XX": HTTPStatus.BAD_REQUEST,
    "DEFAULT_5XX": HTTPStatus.INTERNAL_SERVER_ERROR,
    "INTEGRATION_FAILURE": HTTPStatus.GATEWAY_TIMEOUT,
    "INTEGRATION_TIMEOUT": HTTPStatus.GATEWAY_TIMEOUT,
    "INVALID_API_KEY": HTTPStatus.FORBIDDEN,
    "MISSING_AUTHENTICATION_TOKEN": HTTPStatus.FORBIDDEN,
    "REQUEST_TOO_LARGE": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "THROTTLED": HTTPStatus.TOO_MANY_REQUESTS,
    "UNAUTHORIZED": HTTPStatus.UNAUTHORIZED,
}


class Refused(Exception):
    """The gateway answers by itself, with one of its gateway responses."""

    def __init__(self, response_type: str, cause: str = "") -> None:
        super().__init__(cause)
        self.response_type = response_type


@dataclass(frozen=True)
class Authorization:
    """An authorizer's answer."""

    statements: list[dict[str, Any]]
    context: dict[str, str]
    usage_identifier_key: str

    def allows(self, method_arn: str) -> bool:
        """An explicit deny wins; what no statement names is denied too."""
        effects = {
            statement["Effect"]
            for statement in self.statements
            if _matches(statement["Action"], "execute-api:Invoke") and _matches(statement["Resource"], method_arn)
        }
        return effects == {"Allow"}


class Gateway(LocalApigwService):  # type: ignore[misc]
    def __init__(self, template: Template, runtimes: Runtimes, usage_plans: UsagePlans, log: Log, port: int) -> None:
        super().__init__(template.api, runtimes, port=port)
        api = template.rest_api
        (authorizer,) = api["Auth"]["Authorizers"].values()
        self._responses: dict[str, dict[str, Any]] = api["GatewayResponses"]
        ttl: float = authorizer["Identity"]["ReauthorizeEvery"]
        self._authorizations: TTLCache[object, Authorization] = TTLCache(10_000, ttl)
        self._lock = Lock()
        self._is_metered: bool = api["Auth"].get("ApiKeyRequired", False)
        self._usage_plans = usage_plans
        self._runtimes = runtimes
        self._log = log
        self.create()

    def create(self) -> None:
        super().create()
        self._app.before_request(_name_request)
        self._app.url_map.merge_slashes = False
        for rule in self._app.url_map.iter_rules():
            rule.strict_slashes = True
            rule.methods.discard("HEAD")

    def __call__(self, *wsgi: Any) -> Iterable[bytes]:  # noqa: ANN401 - Flask knows
        answer: Iterable[bytes] = self._app(*wsgi)
        return answer

    def _construct_error_handling(self) -> None:
        self._app.register_error_handler(Exception, self._answer_error)

    def _answer_error(self, error: Exception) -> Response:
        match error:
            case Refused():
                return self.refuse(error.response_type, cause=str(error))
            case NotFound() | MethodNotAllowed():
                return self.refuse("MISSING_AUTHENTICATION_TOKEN")
            case HTTPException():
                return self.refuse("DEFAULT_4XX")
            case _:
                return self.refuse("DEFAULT_5XX", cause="".join(traceback.format_exception(error)))

    def refuse(self, response_type: str, status: HTTPStatus | None = None, cause: str = "") -> Response:
        """One of the template's gateway responses. The status is for those that have none of their own."""
        status = status or _STATUS[response_type]
        wanted = self._responses.get(response_type) or self._responses[f"DEFAULT_{status // 100}XX"]
        status = HTTPStatus(wanted.get("StatusCode", status))
        request_id, route = str(uuid.uuid4()), "-"
        if has_request_context():
            request_id = g.request_id
            route = f"{request.method} {PathConverter.convert_path_to_api_gateway(request.endpoint or '-')}"
        self._log.write("gateway", f"{status} {response_type} {route} request_id={request_id} {cause}".rstrip())
        ((content_type, template),) = wanted["ResponseTemplates"].items()
        headers = wanted.get("ResponseParameters", {}).get("Headers", {})
        return Response(
            template.replace("$context.requestId", request_id),
            status,
            {
                "Content-Type": content_type,
                "x-amzn-RequestId": request_id,
                **{name: constant.strip("'") for name, constant in headers.items()},
            },
        )

    def _request_handler(self, **_path: str) -> Response:
        route: Route = self._get_current_route(request)
        event = self._generate_lambda_event(request, route, *self.get_request_methods_endpoints(request))
        if route.authorizer_object:
            method_arn = self._create_method_arn(request, route.event_type)
            event["requestContext"]["authorizer"] = self._authorize(route.authorizer_object, event, method_arn)
        payload = json.dumps(event, ensure_ascii=False).encode()
        if len(payload) > _EVENT_LIMIT:
            raise Refused("REQUEST_TOO_LARGE")
        try:
            answer = self._runtimes.invoke(route.function_name, payload)
        except FunctionTimedOut as failure:
            raise Refused("INTEGRATION_TIMEOUT", str(failure)) from None
        except FunctionFailed as failure:
            raise Refused("INTEGRATION_FAILURE", str(failure)) from None
        try:
            status, headers, body = self._parse_v1_payload_format_lambda_output(answer, [], request, route.event_type)
            response = Response(body, status, headers)
            str(response.headers).encode("latin-1")
        except Exception:  # noqa: BLE001 - a function may answer anything
            raise Refused("API_CONFIGURATION_ERROR", "Malformed Lambda proxy response") from None
        response.headers["x-amzn-RequestId"] = g.request_id
        return response

    def _generate_lambda_event(self, flask_request: Request, _route: Route, *_: object) -> dict[str, Any]:
        """SAM's, with what it knows less of than we do."""
        try:
            flask_request.get_data().decode()
            binary_types = []
        except UnicodeDecodeError:  # not a text that JSON could carry
            binary_types = ["*/*"]
        event: dict[str, Any] = construct_v1_event(
            flask_request, self.port, binary_types, self.api.stage_name, self.api.stage_variables
        )
        now = datetime.now(UTC)
        event["requestContext"] |= {
            "requestId": g.request_id,
            "requestTime": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "requestTimeEpoch": int(now.timestamp() * 1000),
        }
        headers = defaultdict[str, list[str]](list)
        for name, value in flask_request.environ["local.headers"]:
            headers[name].append(value)
        event["headers"] = {name: values[-1] for name, values in headers.items()}
        event["multiValueHeaders"] = headers
        return event

    def _authorize(self, authorizer: LambdaAuthorizer, event: dict[str, Any], method_arn: str) -> dict[str, str]:
        """The context for the function. Raises Refused."""
        identity = tuple(each.find_identity_value(headers=request.headers) for each in authorizer.identity_sources)
        if None in identity:
            raise Refused("UNAUTHORIZED")
        with self._lock:
            authorization = self._authorizations.get(identity)
        if authorization is None:
            authorization = self._ask(authorizer, event, method_arn)
            with self._lock:
                self._authorizations[identity] = authorization
        if not authorization.allows(method_arn):
            raise Refused("ACCESS_DENIED")
        if self._is_metered:
            self._meter(authorization.usage_identifier_key)
        return authorization.context

    def _meter(self, key: str) -> None:
        """Raises Refused."""
        try:
            self._usage_plans.admit(key)
        except UnknownKey:
            raise Refused("INVALID_API_KEY") from None
        except LimitReached:
            raise Refused("THROTTLED") from None

    def _ask(self, authorizer: LambdaAuthorizer, event: dict[str, Any], method_arn: str) -> Authorization:
        without_body = {name: value for name, value in event.items() if name not in {"body", "isBase64Encoded"}}
        question = {"type": "REQUEST", "methodArn": method_arn, **without_body}
        try:
            answer = json.loads(self._runtimes.invoke(authorizer.lambda_name, json.dumps(question).encode()))
            if error := answer.get("errorMessage"):
                raise Refused("UNAUTHORIZED" if error == "Unauthorized" else "AUTHORIZER_FAILURE")
            LambdaAuthorizerIAMPolicyValidator.validate_policy_document(authorizer.authorizer_name, answer)
            LambdaAuthorizerIAMPolicyValidator.validate_statement(authorizer.authorizer_name, answer)
            context = authorizer.get_context(json.dumps(answer))
        except (FunctionFailed, InvalidLambdaAuthorizerResponse, AttributeError, ValueError) as error:
            raise Refused("AUTHORIZER_FAILURE", str(error)) from None
        if not all(isinstance(value, str | int | float) for value in context.values()):
            raise Refused("AUTHORIZER_FAILURE", "A value of the context is no string, number or boolean.")
        return Authorization(
            answer["policyDocument"]["Statement"],
            {name: value if isinstance(value, str) else json.dumps(value) for name, value in context.items()},
            answer.get("usageIdentifierKey", ""),
        )


def _name_request() -> None:
    g.request_id = str(uuid.uuid4())


def _matches(patterns: str | list[str], text: str) -> bool:
    """As IAM: `*` and `?` are wildcards, slashes are nothing special."""
    alternatives = [patterns] if isinstance(patterns, str) else patterns
    return any(fnmatchcase(text, pattern.replace("[", "[[]")) for pattern in alternatives)


@contextmanager
def run_gateway(
    template: Template, runtimes: Runtimes, usage_plans: UsagePlans, log: Log, listener: socket
) -> Iterator[None]:
    host, port = listener.getsockname()
    gateway = Gateway(template, runtimes, usage_plans, log, port)
    server = make_server(host, port, gateway, threaded=True, request_handler=Connection, fd=listener.fileno())
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
