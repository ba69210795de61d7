"""The gateway: routes, authorizer, refusals, access log."""

import json
import re
from fnmatch import fnmatchcase
from typing import Any

import pytest
from botocore.session import get_session

from contacts.access.keys import ROUTES, SCOPES
from contacts.domain.errors import ContactNotFound, ContactsError, DatabaseUnavailable, InvalidParameter
from tests.deployed import deployed_resources
from tests.document import OPERATIONS, Operation, document
from tests.handlers import logical_id

GRAPH, OAUTH = "GraphMethodException", "OAuthException"
UNAUTHORIZED = (401, OAUTH, 190, "Unauthorized", None)
FORBIDDEN = (403, OAUTH, 200, "Forbidden", None)
NOT_FOUND = (404, GRAPH, 100, ContactNotFound.message, None)
INVALID = (400, GRAPH, 100, InvalidParameter.message, None)
TOO_LARGE = (413, GRAPH, 100, "Request too large", None)
TOO_MANY = (429, OAUTH, 4, "Too many requests", "'1'")
UNAVAILABLE = (503, GRAPH, 131000, DatabaseUnavailable.message, "'1'")
BUG = (500, GRAPH, 131000, ContactsError.message, None)

REFUSALS = {
    "UNAUTHORIZED": UNAUTHORIZED,
    "INVALID_API_KEY": UNAUTHORIZED,
    "ACCESS_DENIED": FORBIDDEN,
    "MISSING_AUTHENTICATION_TOKEN": NOT_FOUND,
    "INVALID_SIGNATURE": NOT_FOUND,
    "EXPIRED_TOKEN": NOT_FOUND,
    "RESOURCE_NOT_FOUND": NOT_FOUND,
    "BAD_REQUEST_BODY": INVALID,
    "BAD_REQUEST_PARAMETERS": INVALID,
    "UNSUPPORTED_MEDIA_TYPE": INVALID,
    "REQUEST_TOO_LARGE": TOO_LARGE,
    "THROTTLED": TOO_MANY,
    "QUOTA_EXCEEDED": TOO_MANY,
    "WAF_FILTERED": TOO_MANY,
    "AUTHORIZER_FAILURE": UNAVAILABLE,
    "INTEGRATION_FAILURE": UNAVAILABLE,
    "INTEGRATION_TIMEOUT": UNAVAILABLE,
    "API_CONFIGURATION_ERROR": BUG,
    "AUTHORIZER_CONFIGURATION_ERROR": BUG,
    # A status here would change that of every response that has none.
    "DEFAULT_4XX": (None, *INVALID[1:]),
    "DEFAULT_5XX": BUG,  # all others of the kind have their own
}


@pytest.fixture
def api(resources: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = resources["Api"]["Properties"]
    return properties


def test_the_routes_are_those_of_openapi(resources: dict[str, Any]) -> None:
    events = [
        (name, event["Type"], event["Properties"])
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::Function"
        for event in resource["Properties"].get("Events", {}).values()
        if event["Type"] not in {"SQS", "DynamoDB"}
    ]
    assert {(type_, each["RestApiId"]) for _, type_, each in events} == {("Api", "Api")}
    assert {f"{each['Method']} {each['Path']}": name for name, _, each in events} == {
        each.route: logical_id(each.function) for each in OPERATIONS
    }


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.route)
def test_the_authorizer_opens_a_route_to_its_scope_alone(operation: Operation) -> None:
    assert [scope for scope, patterns in ROUTES.items() if any(_opens(each, operation) for each in patterns)] == [
        operation.scope
    ]


def test_the_authorizer_names_no_route_that_does_not_exist() -> None:
    patterns = [pattern for patterns in ROUTES.values() for pattern in patterns]
    assert [each for each in patterns if not any(_opens(each, operation) for operation in OPERATIONS)] == []


def _opens(pattern: str, operation: Operation) -> bool:
    """Whether an IAM policy with the pattern allows the operation."""
    return fnmatchcase(operation.method + re.sub(r"\{\w+\}", "c1", operation.path), pattern)


def test_a_key_can_have_the_scopes_that_openapi_names() -> None:
    assert {*SCOPES, "any"} == ROUTES.keys() == {each.scope for each in OPERATIONS}
    assert document().raw_schema["components"]["schemas"]["Identity"]["properties"]["scopes"]["items"] == {
        "type": "string",
        "enum": [*SCOPES],
    }


def test_every_route_stands_behind_the_authorizer(template: dict[str, Any]) -> None:
    assert template["Resources"]["Api"]["Properties"]["Auth"] == {
        "ApiKeyRequired": True,
        "DefaultAuthorizer": "ApiKeyAuthorizer",
        "Authorizers": {
            "ApiKeyAuthorizer": {
                "FunctionArn": {
                    "Fn::If": ["IsLocal", {"Fn::GetAtt": ["Authorizer", "Arn"]}, {"Ref": "Authorizer.Alias"}]
                },
                "FunctionPayloadType": "REQUEST",
                "Identity": {"Headers": ["Authorization"], "ReauthorizeEvery": 60},
            }
        },
    }


def test_the_authorizer_names_the_gateway_key_that_is_counted(api: dict[str, Any]) -> None:
    assert api["ApiKeySourceType"] == "AUTHORIZER"


@pytest.mark.parametrize(("domain", "is_closed"), [("", False), ("api.example.com", True)])
def test_a_custom_domain_is_the_only_way_in(domain: str, *, is_closed: bool) -> None:
    resources = deployed_resources("prod", DomainName=domain, CertificateArn=domain and "arn:aws:acm:certificate")
    [server] = resources["Api"]["Properties"]["Body"]["servers"]
    assert server["x-amazon-apigateway-endpoint-configuration"] == {"disableExecuteApiEndpoint": is_closed}


def test_no_second_stage_comes_with_it(template: dict[str, Any]) -> None:
    assert template["Globals"]["Api"] == {"OpenApiVersion": "3.0.1"}


def test_every_refusal_that_a_gateway_knows_has_its_response(api: dict[str, Any]) -> None:
    known = get_session().get_service_model("apigateway").shape_for("GatewayResponseType").metadata["enum"]
    assert sorted(api["GatewayResponses"]) == sorted(known) == sorted(REFUSALS)


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_has_the_shape_of_the_contract(api: dict[str, Any], refusal: str) -> None:
    status, type_, code, message, retry_after = REFUSALS[refusal]
    response = api["GatewayResponses"][refusal]
    assert response.get("StatusCode") == status
    assert response.get("ResponseParameters") == (retry_after and {"Headers": {"Retry-After": retry_after}})
    [(content_type, template)] = response["ResponseTemplates"].items()
    body = json.loads(template)
    assert content_type == "application/json"
    assert list(body["error"]) == ["message", "type", "code", "error_data", "fbtrace_id"]
    assert body == {
        "error": {
            "message": message,
            "type": type_,
            "code": code,
            "error_data": {"details": body["error"]["error_data"]["details"]},
            "fbtrace_id": "$context.requestId",
        }
    }


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_echoes_nothing_but_the_request_id(api: dict[str, Any], refusal: str) -> None:
    variables = re.findall(r"\$\w[\w.]*", json.dumps(api["GatewayResponses"][refusal]))
    assert variables == ["$context.requestId"]


def test_the_access_log_has_ids_and_figures_only(api: dict[str, Any]) -> None:
    assert json.loads(api["AccessLogSetting"]["Format"]) == {
        "gateway_request_id": "$context.requestId",
        "route": "$context.httpMethod $context.resourcePath",
        "status": "$context.status",
        "refusal": "$context.error.responseType",
        "tenantId": "$context.authorizer.tenantId",
        "keyId": "$context.authorizer.keyId",
        "latency": "$context.responseLatency",
        "integrationLatency": "$context.integrationLatency",
        "responseLength": "$context.responseLength",
    }


def test_the_stage_is_not_traced(api: dict[str, Any]) -> None:
    assert api["TracingEnabled"] is False


def test_the_stage_logs_no_requests_but_in_the_access_log(api: dict[str, Any]) -> None:
    """Execution logs hold headers, queries and bodies."""
    for settings in api.get("MethodSettings", []):
        assert (settings.get("LoggingLevel", "OFF"), settings.get("DataTraceEnabled", False)) == ("OFF", False)


def test_no_firewall_keeps_samples_of_requests(template: dict[str, Any]) -> None:
    """AWS WAF's samples hold the URL and all headers, the API key among them."""
    assert '"SampledRequestsEnabled": true' not in json.dumps(template)


def test_no_value_in_the_template_is_null(template: dict[str, Any]) -> None:
    """CloudFormation refuses nulls. A comma in an unquoted comment of checkov makes one."""
    assert ": null" not in json.dumps(template)
