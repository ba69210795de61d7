"""`.local/`, which keeps the local data from one start to the next."""

from pathlib import Path

import pytest

from local.directory import LAYOUT, opened
from local.emulator.errors import CannotStart


def start(directory: Path) -> None:
    """As `make start` does: the engine makes its folder."""
    with opened(directory):
        (directory / "dynamodb").mkdir(exist_ok=True)


def test_data_of_the_same_version_are_used_again(tmp_path: Path) -> None:
    start(tmp_path)
    start(tmp_path)


@pytest.mark.parametrize("layout", [None, "1"])
def test_data_of_another_version_are_refused_with_the_command_that_deletes_them(
    tmp_path: Path, layout: str | None
) -> None:
    start(tmp_path)
    file = tmp_path / "layout"
    assert file.read_text() == LAYOUT
    if layout:
        file.write_text(layout)
    else:
        file.unlink()
    with pytest.raises(CannotStart, match="`make reset`"):
        start(tmp_path)
