import gc
from collections.abc import Iterator

import pytest

from contacts.runtime import startup


@pytest.fixture
def in_lambda(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")
    yield
    gc.unfreeze()
    gc.enable()


@pytest.mark.usefixtures("in_lambda")
def test_nothing_is_collected_until_a_cold_start_is_finished() -> None:
    startup.begin()
    assert not gc.isenabled()
    startup.finish()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0


@pytest.mark.usefixtures("in_lambda")
def test_the_last_steps_of_a_cold_start_run_once() -> None:
    taken: list[str] = []
    startup.begin()
    startup.finish(lambda: taken.append("step"))
    startup.finish(lambda: taken.append("step again"))
    assert taken == ["step"]


def test_outside_lambda_there_is_no_cold_start() -> None:
    taken: list[str] = []
    startup.begin()
    startup.finish(lambda: taken.append("step"))
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
    assert taken == []
