"""openapi.yaml as a document: what openapi-spec-validator checks, and what it does not."""

import re
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator

from contacts.domain.phone import normalize_phone
from tests import contract
from tests.document import OPERATIONS, Operation, document, objects, published, referred

DOCUMENT = published()
STRICT_COMPONENTS = document().raw_schema["components"]
COMPONENTS = DOCUMENT["components"]
OF_ALL = {400, 401, 403, 413, 429, 500, 503}
OF_WRITES = {409, 422}

LINKS = {
    "Contact": {"getContact", "getContactByPhone", "updateContact", "deleteContact", "assignTag"},
    "Contacts": {"getContact", "listContacts"},
    "Tags": {"listTags"},
    "Changes": {"listChanges"},
    "BatchDone": {"getContact"},
    "TagAssignment": {"getContact", "removeTag"},
}
"""The operations to which each response links."""


RESPONSES = [
    (operation, int(status), referred(response, DOCUMENT))
    for operation in OPERATIONS
    for status, response in operation.described["responses"].items()
]


def examples_of(described: dict[str, Any]) -> list[Any]:
    several = [each["value"] for each in described.get("examples", {}).values()]
    return [described["example"]] if "example" in described else several


def test_the_document_is_openapi() -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_the_operations_are_the_endpoints_of_the_contract() -> None:
    assert {each.route: each.scope for each in OPERATIONS} == {
        route: endpoint.scope for route, endpoint in contract.ENDPOINTS.items()
    }


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.route)
def test_an_operation_documents_every_status_that_it_can_have(operation: Operation) -> None:
    """Whether it can answer 404 is what tests/functions/test_sample_events.py finds out."""
    expected = OF_ALL | set(contract.ENDPOINTS[operation.route].successes)
    if operation.takes_idempotency_key:
        expected |= OF_WRITES
    if operation.function == "list_changes":
        expected |= {410}
    assert operation.statuses - {404} == expected


def test_every_operation_has_a_name_a_summary_and_a_declared_tag() -> None:
    tags = {tag["name"] for tag in DOCUMENT["tags"]}
    for _, _, described in OPERATIONS:
        assert described.keys() >= {"operationId", "summary", "description"}
        assert len(described["tags"]) == 1
        assert set(described["tags"]) <= tags
    assert tags == {tag for each in OPERATIONS for tag in each.described["tags"]}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.route)
def test_a_description_names_the_scope(operation: Operation) -> None:
    needs = "Needs no scope." if operation.scope == "any" else f"Needs the scope `{operation.scope}`."
    assert operation.described["description"].startswith(needs)


def test_every_answer_and_every_body_has_an_example() -> None:
    described = [response for _, _, response in RESPONSES]
    described += [each.described["requestBody"] for each in OPERATIONS if "requestBody" in each.described]
    assert [each for each in described if not examples_of(each["content"]["application/json"])] == []


@pytest.mark.parametrize(
    ("schema", "example"),
    [
        (each["schema"], value)
        for each in objects(document().raw_schema)
        if "schema" in each
        for value in examples_of(each)
    ],
)
def test_every_example_is_valid_under_its_schema(schema: dict[str, Any], example: object) -> None:
    jsonschema_rs.Draft202012Validator({**schema, "components": STRICT_COMPONENTS}, validate_formats=True).validate(
        example
    )


usual = st.characters(categories=["Nd", "Zs", "Pd", "Cf"]) | st.sampled_from("+()./\t＋（）．／\N{MINUS SIGN}")


@given(
    st.text(usual, max_size=40)
    | st.text("1 ", min_size=90, max_size=110)
    | st.text(usual | st.characters(exclude_categories=["Cn", "Cs"]), max_size=12)
)
def test_the_pattern_of_a_phone_matches_what_the_api_accepts(text: str) -> None:
    try:
        is_phone = bool(normalize_phone(text))
    except ValueError:
        is_phone = False
    assert jsonschema_rs.is_valid(STRICT_COMPONENTS["schemas"]["Phone"], text) == is_phone
    if is_phone:
        assert jsonschema_rs.is_valid(COMPONENTS["schemas"]["Phone"], text)


def test_generators_of_clients_can_read_every_schema() -> None:
    """Some know no schema that is true or false, compare a boolean with the text of its `const`, and give ECMA patterns
    to the engine of their own language.
    """
    schemas = [each["schema"] for each in objects(DOCUMENT) if "schema" in each] + [*COMPONENTS["schemas"].values()]
    parts = [each for schema in schemas for each in objects(schema)]
    properties = [each for part in parts for each in part.get("properties", {}).values()]
    assert [each for each in properties if not isinstance(each, dict)] == []
    assert [each for each in parts if isinstance(each.get("additionalProperties"), bool)] == []
    assert [each for each in parts if isinstance(each.get("const"), bool)] == []
    patterns = {part["pattern"] for part in parts if isinstance(part.get("pattern"), str)}
    for pattern in patterns:
        assert re.fullmatch(r"\^[a-zA-Z0-9!?+*|(){},^~:.$\[\]-]+\$", pattern)  # no backslash, nothing beyond ASCII
        re.compile(pattern)
    assert len(patterns) > 5


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.route)
def test_an_operation_takes_the_headers_of_the_contract(operation: Operation) -> None:
    shared = DOCUMENT["paths"][operation.path].get("parameters", [])
    parameters = [referred(each, DOCUMENT) for each in (*shared, *operation.described.get("parameters", []))]
    headers = {each["name"] for each in parameters if each["in"] == "header"}
    assert headers == ({"X-Request-Id"} if operation.method == "GET" else {"X-Request-Id", "Idempotency-Key"})


def test_every_answer_has_the_headers_of_the_contract() -> None:
    for operation, status, response in RESPONSES:
        headers = {"x-amzn-RequestId", "X-Request-Id"}
        if status in {413, 429}:
            headers -= {"X-Request-Id"}  # these come from the gateway alone
        if status in {429, 503}:
            headers |= {"Retry-After"}
        if status < 300 and operation.takes_idempotency_key:
            headers |= {"Idempotency-Replayed"}
        if status < 300 and operation.function == "assign_tag":
            headers |= {"X-Tags-Remaining"}
        if status == 207:
            headers |= {"Retry-After"}  # if an item is a 503
        assert response["headers"].keys() == headers, (operation.route, status)


def test_a_response_links_to_the_operations_on_its_object() -> None:
    links = {
        name: {referred(link, DOCUMENT)["operationId"] for link in response["links"].values()}
        for name, response in COMPONENTS["responses"].items()
        if "links" in response
    }
    assert links == LINKS


def test_no_component_is_unused() -> None:
    used = {each["$ref"] for each in objects(DOCUMENT) if "$ref" in each}
    used |= {f"#/components/securitySchemes/{name}" for each in DOCUMENT["security"] for name in each}
    assert used == {f"#/components/{kind}/{name}" for kind, named in COMPONENTS.items() for name in named}
