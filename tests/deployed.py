"""What CloudFormation gets when template.yaml is deployed: roles, managed policies and all that SAM adds."""

import json
import logging
import sys
import warnings
from copy import deepcopy
from functools import cache
from typing import Any

import boto3
from samcli.lib.cfn_language_extensions.sam_integration import (  # type: ignore[import-untyped]
    expand_language_extensions,
)
from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]
from samtranslator.parser.parser import Parser  # type: ignore[import-untyped]
from samtranslator.translator.translator import Translator  # type: ignore[import-untyped]

from local import ROOT

REGION, ACCOUNT = "eu-central-1", "123456789012"


TEMPLATE = (ROOT / "template.yaml").read_text()


def read_template(text: str = TEMPLATE) -> dict[str, Any]:
    """As it is written, for the caller to change."""
    return deepcopy(_parse(text))


@cache
def _parse(text: str) -> dict[str, Any]:
    template: dict[str, Any] = yaml_parse(text)
    return template


@cache
def deployed_resources(
    stage: str = "local", *, text: str = TEMPLATE, layer: str = "layer", **parameters: str
) -> dict[str, Any]:
    """By logical id. References to resources are as CloudFormation resolves them later.

    `layer` is the place of the layer's code in the bucket, which is another one for other code.
    """
    values = {"Stage": stage, "Architecture": "x86_64", **parameters}
    values |= {"AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "AWS::Partition": "aws"}
    template = expand_language_extensions(read_template(text), values, enabled=True).expanded_template
    for resource in template["Resources"].values():
        for name in {"CodeUri", "ContentUri"} & resource.get("Properties", {}).keys():
            key = layer if name == "ContentUri" else "key"
            resource["Properties"][name] = f"s3://bucket/{key}"  # where `sam deploy` puts the code
    logging.getLogger("samtranslator").setLevel(logging.ERROR)  # it warns about a feature that nobody asked for
    with warnings.catch_warnings(action="ignore"):  # SAM's own deprecations
        translator = Translator({}, Parser(), boto_session=boto3.Session(region_name=REGION))
        resources: dict[str, Any] = translator.translate(template, values)["Resources"]
    return resources


def arn(service: str, name: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{name}"


def arn_of(resource: dict[str, Any]) -> str:
    properties = resource["Properties"]
    match resource["Type"]:
        case "AWS::DynamoDB::Table":
            return arn("dynamodb", f"table/{properties['TableName']}")
        case "AWS::SQS::Queue":
            return arn("sqs", properties["QueueName"])
        case "AWS::SecretsManager::Secret":
            return arn("secretsmanager", f"secret:{properties['Name']}")
    raise NotImplementedError(resource["Type"])


if __name__ == "__main__":  # for `make audit`, which then checks roles and log groups, too
    resources = deployed_resources("prod")
    [stage] = (each for each in resources.values() if each["Type"] == "AWS::ApiGateway::Stage")
    stage["Metadata"] = resources["Api"]["Metadata"]  # SAM gives it to the API alone
    json.dump({"Resources": resources}, sys.stdout, indent=2)
