from functools import cache
from typing import Any

import pytest
from samcli.lib.cfn_language_extensions.models import (  # type: ignore[import-untyped]
    TemplateProcessingContext,
)
from samcli.lib.cfn_language_extensions.processors.foreach import ForEachProcessor  # type: ignore[import-untyped]

from tests.deployed import read_template
from tests.handlers import FUNCTIONS

WORKERS = ["apply_tag_command", "record_inbound_message"]
"""They read a queue."""

STREAM_CONSUMER = "publish_changes"
"""It reads the stream of the table."""

ENDPOINTS = [each for each in FUNCTIONS if each not in {"authorizer", STREAM_CONSUMER, *WORKERS}]


@cache
def expanded_template() -> dict[str, Any]:
    """template.yaml with its loops expanded and all other intrinsic functions as they are written."""
    context = TemplateProcessingContext(read_template())
    ForEachProcessor().process_template(context)
    template: dict[str, Any] = context.fragment
    return template


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    return expanded_template()
