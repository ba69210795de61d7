"""How everything local addresses AWS: any credentials will do, one region, endpoints of our own."""

from typing import Any

import boto3

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
}


def connect(service: str, endpoint: str) -> Any:  # noqa: ANN401 - boto3 makes its clients while it runs
    client: Any = boto3.client  # its stubs want a literal name
    return client(
        service,
        endpoint_url=endpoint,
        region_name=CREDENTIALS["AWS_REGION"],
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    )
