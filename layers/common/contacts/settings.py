"""The only place that reads the environment."""

import os


class SettingMissing(Exception):
    """An environment variable that the deployment should have set is not there."""


def is_in_lambda() -> bool:
    return "AWS_LAMBDA_RUNTIME_API" in os.environ


def table_name() -> str:
    return _required("TABLE_NAME")


def key_pepper() -> str:
    """The secret that keys the HMAC of API keys; the template fills it from Secrets Manager."""
    return _required("KEY_PEPPER")


def signing_root_secret() -> str:
    """The ARN or name of the secret from which the keys' signing secrets are derived."""
    return _required("SIGNING_ROOT_SECRET")


def dead_letter_queue_url() -> str:
    """Where a queue's consumer puts what it cannot understand."""
    return _required("DEAD_LETTER_QUEUE_URL")


def _required(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise SettingMissing(f"The environment variable {name} is missing or empty; template.yaml sets it.")
    return value
