"""The files that a start-up opens: on Lambda they are read over a network."""

from pathlib import Path

import pytest

from benchmarks.artifacts import Artifact
from benchmarks.environments import count_files
from local import ROOT
from tests.handlers import FUNCTIONS
from tests.performance.kinds import KINDS

VARIABLES = {
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
    "TABLE_NAME": "contacts",
}

MOST = {
    "needs its event alone": (54, 280, 93),
    "uses the table": (185, 2500, 150),
    "takes a body": (239, 8500, 162),
    "consumer": (293, 9050, 205),
}
"""Files of function and layer, their kilobytes, and files of the runtime."""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_start_opens_no_more_files_than_allowed(layer: Path, function: str) -> None:
    artifact = Artifact(function, ROOT / "functions" / function, layer=layer / "python")
    own, runtime = count_files(artifact, VARIABLES)
    files, kilobytes, runtime_files = MOST[KINDS[function]]
    assert own.files <= files
    assert own.kilobytes <= kilobytes
    assert runtime.files <= runtime_files
