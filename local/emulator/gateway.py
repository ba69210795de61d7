"""API Gateway: SAM CLI's local gateway, plus what it lacks: refusals, the authorizer's cache, rate limits."""

import json
import traceback
import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from threading import Lock
from typing import Any

from cachetools import TTLCache
from flask import Flask, Request, Response, g, request
from samcli.local.apigw.authorizers.lambda_authorizer import (  # type: ignore[import-untyped]
    LambdaAuthorizer,
    LambdaAuthorizerIAMPolicyValidator,
)
from samcli.local.apigw.event_constructor import construct_v1_event  # type: ignore[import-untyped]
from samcli.local.apigw.exceptions import InvalidLambdaAuthorizerResponse  # type: ignore[import-untyped]
from samcli.local.apigw.local_apigw_service import LocalApigwService  # type: ignore[import-untyped]
from samcli.local.apigw.path_converter import PathConverter  # type: ignore[import-untyped]
from samcli.local.apigw.route import Route  # type: ignore[import-untyped]
from werkzeug import Response as BaseResponse
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from local.emulator.refusals import Refusals, Refused
from local.emulator.runtimes import FunctionFailed, FunctionTimedOut, Runtimes
from local.emulator.template import Template
from local.emulator.throttling import LimitReached, TokenBuckets, UnknownKey, UsagePlans

_EVENT_LIMIT = 6 * 1024 * 1024  # Lambda's limit for a synchronous invocation


@dataclass(frozen=True)
class Authorization:
    """The authorizer's answer."""

    statements: list[dict[str, Any]]
    context: dict[str, str]
    usage_identifier_key: str

    def allows(self, method_arn: str) -> bool:
        """An explicit deny wins. Without a matching statement the answer is no."""
        effects = {
            statement["Effect"]
            for statement in self.statements
            if _matches(statement["Action"], "execute-api:Invoke") and _matches(statement["Resource"], method_arn)
        }
        return effects == {"Allow"}


class Gateway(LocalApigwService):  # type: ignore[misc]
    def __init__(
        self, template: Template, runtimes: Runtimes, usage_plans: UsagePlans, refusals: Refusals, port: int
    ) -> None:
        super().__init__(template.api, runtimes, port=port)
        auth = template.rest_api["Auth"]
        (authorizer,) = auth["Authorizers"].values()
        ttl: float = authorizer["Identity"]["ReauthorizeEvery"]
        self._authorizations: TTLCache[object, Authorization] = TTLCache(10_000, ttl)
        self._lock = Lock()
        self._is_metered: bool = auth.get("ApiKeyRequired", False)
        (settings,) = template.rest_api["MethodSettings"]  # one entry, for all methods
        self._stage_limits = TokenBuckets(float(settings["ThrottlingRateLimit"]), int(settings["ThrottlingBurstLimit"]))
        self._usage_plans = usage_plans
        self._runtimes = runtimes
        self._refusals = refusals
        self.create()
        self.application: Flask = self._app
        self.application.before_request(_name_request)
        self.application.url_map.merge_slashes = False
        for rule in self.application.url_map.iter_rules():
            rule.strict_slashes = True
            rule.methods.discard("HEAD")

    def _construct_error_handling(self) -> None:
        self._app.register_error_handler(Exception, self._answer_error)

    def _answer_error(self, error: Exception) -> BaseResponse:
        cause = ""
        match error:
            case Refused():
                response_type, cause = error.response_type, str(error)
            case LimitReached():
                response_type = "THROTTLED"
            case UnknownKey():
                response_type = "INVALID_API_KEY"
            case NotFound() | MethodNotAllowed():
                response_type = "MISSING_AUTHENTICATION_TOKEN"
            case HTTPException():
                response_type = "DEFAULT_4XX"
            case _:
                response_type, cause = "DEFAULT_5XX", "".join(traceback.format_exception(error))
        route = f"{request.method} {PathConverter.convert_path_to_api_gateway(request.endpoint or '-')}"
        return self._refusals.answer(response_type, route=route, request_id=g.request_id, cause=cause)

    def _request_handler(self, **_path: str) -> Response:
        route: Route = self._get_current_route(request)
        event = self._generate_lambda_event(request, route, *self.get_request_methods_endpoints(request))
        self._stage_limits.take(_method_of(event))
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
        except Exception:  # noqa: BLE001 - a function can answer anything
            raise Refused("API_CONFIGURATION_ERROR", "Malformed Lambda proxy response") from None
        response.headers["x-amzn-RequestId"] = g.request_id
        return response

    def _generate_lambda_event(self, flask_request: Request, _route: Route, *_: object) -> dict[str, Any]:
        """SAM CLI's event, but with the raw path, the request id, the time and the original case of header names."""
        try:
            flask_request.get_data().decode()
            binary_types = []
        except UnicodeDecodeError:  # JSON cannot carry such a body as text
            binary_types = ["*/*"]
        event: dict[str, Any] = construct_v1_event(
            flask_request, self.port, binary_types, self.api.stage_name, self.api.stage_variables
        )
        event["path"] = flask_request.environ["local.path"]  # a REST API passes it on as the caller sent it
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
        """The context that the authorizer gives to the function. Raises Refused, LimitReached, UnknownKey."""
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
            self._usage_plans.admit(authorization.usage_identifier_key, _method_of(event))
        return authorization.context

    def _ask(self, authorizer: LambdaAuthorizer, event: dict[str, Any], method_arn: str) -> Authorization:
        """Calls the authorizer. Raises Refused."""
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
            raise Refused("AUTHORIZER_FAILURE", "A context value is not a string, number or boolean.")
        return Authorization(
            answer["policyDocument"]["Statement"],
            {name: value if isinstance(value, str) else json.dumps(value) for name, value in context.items()},
            answer.get("usageIdentifierKey", ""),
        )


def _method_of(event: Mapping[str, str]) -> str:
    """A method of the API as usage plans name it, for example `/v1/things/POST`."""
    return f"{event['resource']}/{event['httpMethod']}"


def _name_request() -> None:
    g.request_id = str(uuid.uuid4())


def _matches(patterns: str | list[str], text: str) -> bool:
    """IAM's wildcards: `*` and `?` match any character, slashes included."""
    alternatives = [patterns] if isinstance(patterns, str) else patterns
    return any(fnmatchcase(text, pattern.replace("[", "[[]")) for pattern in alternatives)
