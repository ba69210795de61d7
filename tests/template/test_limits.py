"""What is limited before the API key of a request is known."""

from typing import Any

import pytest

from tests.deployed import deployed_resources


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
