"""The only place that reads the environment."""

import os


class SettingMissing(Exception):
    """An environment variable that the deployment should have set is not there."""


def table_name() -> str:
    return _required("TABLE_NAME")


def key_pepper() -> str:
    """The secret that keys the HMAC of API keys; the template fills it from Secrets Manager."""
    return _required("KEY_PEPPER")


def _required(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise SettingMissing(f"The environment variable {name} is missing or empty; template.yaml sets it.")
    return value
