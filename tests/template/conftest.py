from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from tests.gateway import FUNCTIONS, ROOT

WORKERS = ["apply_tag_command", "record_inbound_message"]
"""They read a queue."""

ENDPOINTS = [each for each in FUNCTIONS if each not in {"authorizer", *WORKERS}]


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    """template.yaml as it is written, intrinsic functions unresolved."""
    template: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text())
    return template
