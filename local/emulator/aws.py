"""SDK clients for local endpoints. The credentials are placeholders: nothing here checks signatures."""

from typing import Any

import boto3

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
}


def connect(service: str, endpoint: str) -> Any:  # noqa: ANN401 - boto3 builds client classes at run time
    client: Any = boto3.client  # its stubs accept only literal service names
    return client(
        service,
        endpoint_url=endpoint,
        region_name=CREDENTIALS["AWS_REGION"],
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    )
