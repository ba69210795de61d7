"""The local stack's poller of the table's stream, with the real stream and a function that the test plays."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from local.emulator import streams
from local.emulator.logs import Log
from local.emulator.runtimes import FunctionFailed, Runtimes
from local.emulator.streams import StreamReader, matches, run_stream_consumers
from local.emulator.template import Template
from tests.conftest import template_resources
from tests.engine.flows import PHONE
from tests.engine.meanwhile import wait_for
from tests.engine.table import NAME, Table
from tests.events import ACME
from tests.handlers import call

TEMPLATE = Template(template_resources(), [], None)


class Function:
    """Takes all records, unless `answer` says otherwise."""

    def __init__(self) -> None:
        self.batches: list[list[dict[str, Any]]] = []
        self.answer: Callable[[list[str]], list[str]] = lambda _numbers: []

    @property
    def names(self) -> list[str]:
        """That contacts have got, in the order of the records."""
        return [each["dynamodb"]["NewImage"]["display_name"]["S"] for batch in self.batches for each in batch]

    def invoke(self, name: str, event: bytes) -> bytes:
        assert name == "PublishChanges"
        records = json.loads(event)["Records"]
        self.batches.append(records)
        failed = self.answer([each["dynamodb"]["SequenceNumber"] for each in records])
        return json.dumps({"batchItemFailures": [{"itemIdentifier": each} for each in failed]}).encode()


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Function:
    monkeypatch.setattr(streams, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(streams, "_POLL_SECONDS", 0.05)
    return Function()


@pytest.fixture(scope="module")
def reader(engine: str) -> StreamReader:
    """Shared, because the stream has all that other files of tests have written."""
    return StreamReader(engine, NAME)


@pytest.fixture
def file(tmp_path: Path, reader: StreamReader, table: Table) -> Path:
    """As a poller leaves it that has handed over everything that was written before the test."""
    file = tmp_path / "streams.json"
    for shard, records in reader.read():
        reader.left[shard] = records[-1]["dynamodb"]["SequenceNumber"]
    file.write_text(json.dumps({reader.stream: reader.left}))
    return file


@contextmanager
def polling(engine: str, function: Function, file: Path) -> Iterator[None]:
    with (
        closing(Log(file.with_name("log"))) as log,
        run_stream_consumers(engine, TEMPLATE, cast("Runtimes", function), log, file),
    ):
        yield


def rename(*names: str) -> None:
    for name in names:
        assert call("upsert_contact", ACME, json_body={"phone": PHONE, "display_name": name})[0] == 200


def test_the_function_gets_the_writes_of_contacts_in_their_order(engine: str, function: Function, file: Path) -> None:
    rename("1", "2")
    assert call("upsert_contact", ACME, json_body={"phone": "99999", "display_name": "3"})[0] == 201
    with polling(engine, function, file):
        wait_for(lambda: len(function.names) >= 3)
        rename("4")
        wait_for(lambda: len(function.names) >= 4)
    assert function.names == ["1", "2", "3", "4"]  # the pointer of the new contact is not among them
    [record, *_] = function.batches[0]
    assert {type(record["dynamodb"][each]) for each in ("ApproximateCreationDateTime", "SequenceNumber")} == {
        float,
        str,
    }
    assert record["eventSourceARN"].startswith("arn:aws:dynamodb:")


def test_records_are_gathered_for_a_second(engine: str, function: Function, file: Path) -> None:
    with polling(engine, function, file):
        rename("1")
        wait_for(lambda: function.names == ["1"])
        rename("2")
        time.sleep(0.2)  # longer than a poll
        rename("3")
        wait_for(lambda: len(function.names) >= 3)
    assert [len(batch) for batch in function.batches] == [1, 2]


def test_records_that_fail_come_again_with_all_behind_them(engine: str, function: Function, file: Path) -> None:
    rename("1", "2", "3")
    failing = [[1], [1, 0], []]
    function.answer = lambda numbers: [numbers[place] for place in failing.pop(0)]
    with polling(engine, function, file):
        wait_for(lambda: len(function.batches) == 3)
    assert function.names == ["1", "2", "3", "2", "3", "2", "3"]


def test_a_batch_without_an_answer_comes_again(engine: str, function: Function, file: Path) -> None:
    def fail(_numbers: list[str]) -> list[str]:
        if len(function.batches) == 1:
            raise FunctionFailed("killed")
        return []

    function.answer = fail
    rename("1")
    with polling(engine, function, file):
        wait_for(lambda: len(function.batches) == 2)
    assert function.names == ["1", "1"]
    assert "PublishChanges failed on 1 records" in file.with_name("log").read_text()


def test_after_a_restart_nothing_is_missing_and_nothing_comes_again(
    engine: str, function: Function, file: Path
) -> None:
    with polling(engine, function, file):
        rename("1")
        wait_for(lambda: function.names == ["1"])
    rename("2", "3")
    with polling(engine, function, file):
        wait_for(lambda: len(function.names) >= 3)
    assert function.names == ["1", "2", "3"]


def test_an_iterator_that_has_expired_is_renewed(
    engine: str, function: Function, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with polling(engine, function, file):
        rename("1")
        wait_for(lambda: function.names == ["1"])
        with monkeypatch.context() as patch:
            patch.setattr(
                StreamReader, "_next", lambda self, _shard: self._client.get_records(ShardIterator="x")["Records"]
            )
            wait_for(lambda: "does not answer" in file.with_name("log").read_text())
        rename("2")
        wait_for(lambda: len(function.names) >= 2)
    assert function.names == ["1", "2"]


@pytest.mark.parametrize(
    ("pattern", "is_wanted"),
    [
        ({"sk": {"S": ["CONTACT"]}}, True),
        ({"sk": {"S": ["CONTACT", "KEY"]}, "pk": {"S": ["a"]}}, True),
        ({"sk": {"S": ["KEY"]}}, False),
        ({"sk": {"N": ["CONTACT"]}}, False),
        ({"sk": {"S": {"deeper": ["CONTACT"]}}}, False),
        ({}, True),
    ],
)
def test_a_filter_lets_through_the_values_that_it_names(pattern: object, *, is_wanted: bool) -> None:
    assert matches(pattern, {"pk": {"S": "a"}, "sk": {"S": "CONTACT"}}) is is_wanted
