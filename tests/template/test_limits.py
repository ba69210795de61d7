"""What is limited before the API key of a request is known, and what a stage can cost."""

from typing import Any

import pytest

from local import ROOT
from tests.deployed import deployed_resources
from tests.handlers import FUNCTIONS, logical_id

CAPPED = {"MaxReadUnits": "5000", "MaxWriteUnits": "1000", "QueueConcurrency": "5"}


def test_each_method_has_a_limit_for_all_callers_together() -> None:
    assert deployed_resources()["ApilocalStage"]["Properties"]["MethodSettings"] == [
        {"ResourcePath": "/*", "HttpMethod": "*", "ThrottlingRateLimit": 1000, "ThrottlingBurstLimit": 1000}
    ]


@pytest.mark.parametrize(("parameters", "reserved"), [({}, None), ({"AuthorizerConcurrency": "50"}, "50")])
def test_the_authorizer_has_reserved_executions_on_demand_alone(
    parameters: dict[str, str], reserved: str | None
) -> None:
    properties = deployed_resources(**parameters)["Authorizer"]["Properties"]
    assert properties.get("ReservedConcurrentExecutions") == reserved


def test_without_a_limit_for_addresses_there_is_no_web_acl(template: dict[str, Any]) -> None:
    assert template["Parameters"]["AddressRateLimit"]["Default"] == 0
    assert template["Conditions"]["HasAddressRateLimit"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "AddressRateLimit"}, 0]}]
    }
    conditions = [each["Condition"] for each in template["Resources"].values() if each["Type"].startswith("AWS::WAFv2")]
    assert conditions == ["HasAddressRateLimit"] * 2


def test_the_limit_for_addresses_is_the_only_rule_of_the_stages_web_acl(template: dict[str, Any]) -> None:
    acl, association = (template["Resources"][name]["Properties"] for name in ("WebAcl", "WebAclAssociation"))
    [rule] = acl["Rules"]
    assert (rule["Statement"], rule["Action"], acl["DefaultAction"]) == (
        {"RateBasedStatement": {"AggregateKeyType": "IP", "Limit": {"Ref": "AddressRateLimit"}}},
        {"Block": {}},
        {"Allow": {}},
    )
    assert association == {
        "ResourceArn": {
            "Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}::/restapis/${Api}/stages/${Api.Stage}"
        },
        "WebACLArn": {"Fn::GetAtt": ["WebAcl", "Arn"]},
    }


def test_the_web_acl_samples_no_requests(resources: dict[str, Any]) -> None:
    properties = resources["WebAcl"]["Properties"]
    configurations = [each["VisibilityConfig"] for each in (properties, *properties["Rules"])]
    assert [each["SampledRequestsEnabled"] for each in configurations] == [False, False]


@pytest.mark.parametrize(
    ("parameters", "limits"),
    [
        ({}, None),
        ({"MaxReadUnits": "5000"}, {"MaxReadRequestUnits": "5000"}),
        ({"MaxWriteUnits": "1000"}, {"MaxWriteRequestUnits": "1000"}),
        (CAPPED, {"MaxReadRequestUnits": "5000", "MaxWriteRequestUnits": "1000"}),
    ],
)
def test_the_table_has_a_maximum_throughput_on_demand_alone(
    parameters: dict[str, str], limits: dict[str, str] | None
) -> None:
    assert deployed_resources(**parameters)["Table"]["Properties"].get("OnDemandThroughput") == limits


@pytest.mark.parametrize("mapping", ["RecordInboundMessageQueue", "ApplyTagCommandQueue"])
@pytest.mark.parametrize(("parameters", "scaling"), [({}, None), (CAPPED, {"MaximumConcurrency": "5"})])
def test_a_queue_has_a_maximum_concurrency_on_demand_alone(
    mapping: str, parameters: dict[str, str], scaling: dict[str, str] | None
) -> None:
    assert deployed_resources(**parameters)[mapping]["Properties"].get("ScalingConfig") == scaling


def test_functions_are_traced_on_demand_alone(template: dict[str, Any]) -> None:
    parameter = template["Parameters"]["Tracing"]
    assert (parameter["Default"], parameter["AllowedValues"]) == ("PassThrough", ["PassThrough", "Active"])
    modes = [deployed_resources()[logical_id(each)]["Properties"]["TracingConfig"] for each in FUNCTIONS]
    assert modes == [{"Mode": {"Ref": "Tracing"}}] * len(FUNCTIONS)


def test_every_parameter_is_documented_with_a_value(template: dict[str, Any]) -> None:
    text = "".join((ROOT / each).read_text() for each in ("README.md", "docs/operations.md", "samconfig.toml"))
    assert [name for name in template["Parameters"] if f"{name}=" not in text] == []
