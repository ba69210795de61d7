"""The environment variables that template.yaml sets. Each is read when it is needed, never while importing."""

import os


class SettingMissing(Exception):
    """An environment variable that the deployment should have set is not there."""


def table_name() -> str:
    return _required("TABLE_NAME")


def stage() -> str:
    return _required("STAGE")


def key_pepper_secret() -> str:
    """ARN or name of the secret that keys the HMAC of API keys."""
    return _required("KEY_PEPPER_SECRET")


def signing_root_secret() -> str:
    """ARN or name of the secret from which the signing secrets of API keys are derived."""
    return _required("SIGNING_ROOT_SECRET")


def dead_letter_queue_url() -> str:
    """Where a queue's consumer puts messages that it cannot understand."""
    return _required("DEAD_LETTER_QUEUE_URL")


def _required(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise SettingMissing(f"The environment variable {name} is missing or empty; template.yaml sets it.")
    return value
