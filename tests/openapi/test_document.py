"""openapi.yaml as a document: what openapi-spec-validator looks for, and what it does not."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator

from contacts.domain.phone import normalize_phone
from tests.document import document

DOCUMENT: dict[str, Any] = document().raw_schema
COMPONENTS = DOCUMENT["components"]
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method != "parameters"
}
OF_ALL = {"200", "400", "401", "403", "413", "429", "500", "503"}
OF_WRITES = OF_ALL | {"409", "422"}
STATUSES = {
    "GET /v1/contacts/by-phone": OF_ALL | {"404"},
    "GET /v1/contacts/{contactId}": OF_ALL | {"404"},
    "POST /v1/contacts": OF_WRITES | {"201"},
    "PATCH /v1/contacts/{contactId}": OF_WRITES | {"404"},
    "DELETE /v1/contacts/{contactId}": OF_WRITES | {"404"},
    "POST /v1/contacts/{contactId}/tags": OF_WRITES | {"201", "404"},
    "DELETE /v1/contacts/{contactId}/tags/{tagId}": OF_WRITES,
    "GET /v1/whoami": OF_ALL,
}
"""The routes of the contract, and how each may answer."""

LINKS = {
    "Contact": {"getContact", "getContactByPhone", "updateContact", "deleteContact", "assignTag"},
    "TagAssignment": {"getContact", "removeTag"},
}
"""Where an answer leads to."""


def objects(node: object) -> Iterator[dict[str, Any]]:
    """All objects of the document within one."""
    children: list[object] = []
    if isinstance(node, dict):
        yield node
        children = list(node.values())
    elif isinstance(node, list):
        children = node
    for child in children:
        yield from objects(child)


def referred(node: dict[str, Any]) -> dict[str, Any]:
    """What a reference refers to; what is none, itself."""
    found: Any = DOCUMENT
    for name in node["$ref"].split("/")[1:] if "$ref" in node else ():
        found = found[name]
    return node if found is DOCUMENT else found


RESPONSES = [
    (route, status, referred(response))
    for route, operation in OPERATIONS.items()
    for status, response in operation["responses"].items()
]


def examples_of(described: dict[str, Any]) -> list[Any]:
    several = [each["value"] for each in described.get("examples", {}).values()]
    return [described["example"]] if "example" in described else several


def test_the_document_is_openapi() -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_every_route_documents_every_status_that_it_can_have() -> None:
    assert {route: set(operation["responses"]) for route, operation in OPERATIONS.items()} == STATUSES


def test_every_operation_has_a_name_a_summary_and_a_tag_that_is_declared() -> None:
    tags = {tag["name"] for tag in DOCUMENT["tags"]}
    for operation in OPERATIONS.values():
        assert operation.keys() >= {"operationId", "summary", "description"}
        assert len(operation["tags"]) == 1
        assert set(operation["tags"]) <= tags
    assert tags == {tag for operation in OPERATIONS.values() for tag in operation["tags"]}


def test_every_answer_and_every_body_has_an_example() -> None:
    described = [response for _, _, response in RESPONSES]
    described += [operation["requestBody"] for operation in OPERATIONS.values() if "requestBody" in operation]
    assert [each for each in described if not examples_of(each["content"]["application/json"])] == []


@pytest.mark.parametrize(
    ("schema", "example"),
    [(each["schema"], value) for each in objects(DOCUMENT) if "schema" in each for value in examples_of(each)],
)
def test_every_example_is_what_its_schema_asks_for(schema: dict[str, Any], example: object) -> None:
    jsonschema_rs.Draft202012Validator({**schema, "components": COMPONENTS}, validate_formats=True).validate(example)


usual = st.characters(categories=["Nd", "Zs", "Pd", "Cf"]) | st.sampled_from("+()./\t＋（）．／\N{MINUS SIGN}")


@given(st.text(usual, max_size=40) | st.text(usual | st.characters(exclude_categories=["Cn", "Cs"]), max_size=12))
def test_the_pattern_of_a_phone_lets_through_what_the_api_takes(text: str) -> None:
    try:
        is_phone = bool(normalize_phone(text))
    except ValueError:
        is_phone = False
    assert jsonschema_rs.is_valid(COMPONENTS["schemas"]["Phone"], text) == is_phone


def test_every_operation_takes_the_headers_of_the_contract() -> None:
    for path, item in DOCUMENT["paths"].items():
        for method in item.keys() - {"parameters"}:
            parameters = [referred(each) for each in (*item.get("parameters", []), *item[method].get("parameters", []))]
            headers = {each["name"] for each in parameters if each["in"] == "header"}
            expected = {"X-Request-Id"} if method == "get" else {"X-Request-Id", "Idempotency-Key"}
            assert headers == expected, (method, path)


def test_every_answer_bears_the_headers_of_the_contract() -> None:
    for route, status, response in RESPONSES:
        headers = {"x-amzn-RequestId", "X-Request-Id"}
        if status in {"413", "429"}:
            headers -= {"X-Request-Id"}  # the gateway's own
        if status in {"429", "503"}:
            headers |= {"Retry-After"}
        if status.startswith("2") and not route.startswith("GET"):
            headers |= {"Idempotency-Replayed"}
        if status.startswith("2") and route.endswith("/tags"):
            headers |= {"X-Tags-Remaining"}
        assert response["headers"].keys() == headers, (route, status)


def test_an_answer_leads_to_what_can_be_done_with_it() -> None:
    links = {
        name: {referred(link)["operationId"] for link in response["links"].values()}
        for name, response in COMPONENTS["responses"].items()
        if "links" in response
    }
    assert links == LINKS


def test_no_component_is_unused() -> None:
    used = {each["$ref"] for each in objects(DOCUMENT) if "$ref" in each}
    used |= {f"#/components/securitySchemes/{name}" for each in DOCUMENT["security"] for name in each}
    assert used == {f"#/components/{kind}/{name}" for kind, named in COMPONENTS.items() for name in named}
