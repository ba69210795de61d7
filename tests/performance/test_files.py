"""The files that a start-up opens: on Lambda they are read over a network."""

from pathlib import Path

import pytest

from benchmarks.artifacts import Artifact
from benchmarks.environments import count_files
from local import ROOT
from tests.handlers import FUNCTIONS

VARIABLES = {
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
    "POWERTOOLS_METRICS_NAMESPACE": "Contacts",
    "POWERTOOLS_SERVICE_NAME": "contacts",
    "TABLE_NAME": "contacts",
}

READS, WRITES, CONSUMERS = (225, 3200, 175), (275, 9100, 182), (330, 9600, 212)
MOST = {
    "whoami": (72, 560, 105),
    **dict.fromkeys(["authorizer", "get_contact_by_phone", "get_contact", "remove_tag", "delete_contact"], READS),
    **dict.fromkeys(["upsert_contact", "update_contact", "assign_tag"], WRITES),
    **dict.fromkeys(["record_inbound_message", "apply_tag_command"], CONSUMERS),
}
"""Files of function and layer, their kilobytes, and files of the runtime."""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_start_opens_no_more_files_than_allowed(native_layer: Path, function: str) -> None:
    artifact = Artifact(function, ROOT / "functions" / function, layer=native_layer / "python")
    own, runtime = count_files(artifact, VARIABLES)
    files, kilobytes, runtime_files = MOST[function]
    assert own.files <= files
    assert own.kilobytes <= kilobytes
    assert runtime.files <= runtime_files
