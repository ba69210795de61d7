"""DynamoDB Streams: what Lambda's event source mapping does between the stream of a table and its function.

DynamoDB Local keeps the records of a stream for 24 hours, across restarts too. A file says how far each shard was
handled, so every record is handed over at least once, whenever this process stops.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.emulator import aws
from local.emulator.logs import Log
from local.emulator.loops import run_loops
from local.emulator.processes import write_private
from local.emulator.runtimes import FunctionFailed, Runtimes
from local.emulator.template import StreamSource, Template

RETRY_SECONDS = 2
"""Records that failed come again after this time."""

_POLL_SECONDS = 0.5

type Record = dict[str, Any]


class StreamReader:
    """Reads a stream from where it was left, the records of an item in their order."""

    def __init__(
        self, endpoint: str, table: str, left: Mapping[str, str] | None = None, *, start: str = "TRIM_HORIZON"
    ) -> None:
        """`left` has, by shard, the sequence number of the last record that was handled."""
        self._client = aws.connect("dynamodbstreams", endpoint)
        [found] = self._client.list_streams(TableName=table)["Streams"]
        self.stream: str = found["StreamArn"]
        self.left = dict(left or {})
        self._start = start
        self._iterators: dict[str, str | None] = {}
        """By shard. None if no more records will come."""

    def read(self) -> Iterator[tuple[str, list[Record]]]:
        """Shards with their next records, up to now. Records are as Lambda hands them to a function.

        The next records are read when the caller goes on.
        """
        shards = self._client.describe_stream(StreamArn=self.stream)["StreamDescription"]["Shards"]
        parents = {each["ShardId"]: each.get("ParentShardId") for each in shards}
        for shard, parent in parents.items():
            # An item goes on in the child of its shard. Parents come first in the list.
            if parent not in parents or self._iterators.get(parent, "") is None:
                while records := self._next(shard):
                    yield shard, records
            self._iterators.setdefault(shard, "")

    def go_back(self, shard: str, sequence_number: str) -> None:
        """The next record of the shard is this one."""
        self._iterators[shard] = self._iterator(shard, "AT_SEQUENCE_NUMBER", SequenceNumber=sequence_number)

    def _next(self, shard: str) -> list[Record]:
        iterator = self._iterators.get(shard, "")
        if iterator is None:
            return []
        answer = self._client.get_records(ShardIterator=iterator or self._first_iterator(shard))
        self._iterators[shard] = answer.get("NextShardIterator")
        return [_as_lambda_sends_it(each, self.stream) for each in answer["Records"]]

    def _first_iterator(self, shard: str) -> str:
        if shard in self.left:
            with suppress(self._client.exceptions.TrimmedDataAccessException):
                return self._iterator(shard, "AFTER_SEQUENCE_NUMBER", SequenceNumber=self.left[shard])
        return self._iterator(shard, self._start)

    def _iterator(self, shard: str, kind: str, **place: str) -> str:
        answer = self._client.get_shard_iterator(StreamArn=self.stream, ShardId=shard, ShardIteratorType=kind, **place)
        return str(answer["ShardIterator"])


def _as_lambda_sends_it(record: Record, stream: str) -> Record:
    written_at = record["dynamodb"]["ApproximateCreationDateTime"].timestamp()
    return {
        **record,
        "dynamodb": {**record["dynamodb"], "ApproximateCreationDateTime": written_at},
        "eventSourceARN": stream,
        "awsRegion": aws.CREDENTIALS["AWS_REGION"],
    }


def matches(pattern: object, value: object) -> bool:
    """A filter pattern of Lambda, as far as it names exact values: a list has those that it lets through."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(matches(each, value.get(name)) for name, each in pattern.items())
    return isinstance(pattern, list) and value in pattern


@contextmanager
def run_stream_consumers(endpoint: str, template: Template, runtimes: Runtimes, log: Log, file: Path) -> Iterator[None]:
    """Hands the records of each stream to its function. The file keeps how far it came."""
    consumers = [_Consumer(source, endpoint, runtimes, log, file) for source in template.stream_sources]
    with run_loops(consumer.run for consumer in consumers):
        yield


class _Consumer:
    def __init__(self, source: StreamSource, endpoint: str, runtimes: Runtimes, log: Log, file: Path) -> None:
        self._source, self._runtimes, self._log, self._file = source, runtimes, log, file
        self._endpoint = endpoint

    def run(self, closing: Event) -> None:
        reader: StreamReader | None = None
        while not closing.is_set():
            try:
                reader = reader or self._open()
                has_failed = not self._hand_over_all(reader, closing)
            except (BotoCoreError, ClientError) as error:
                self._log.write("local", f"The stream of {self._source.table} does not answer: {error}")
                reader, has_failed = None, True  # perhaps an iterator has expired
            closing.wait(RETRY_SECONDS if has_failed else _POLL_SECONDS)

    def _open(self) -> StreamReader:
        reader = StreamReader(self._endpoint, self._source.table)
        with suppress(FileNotFoundError):
            reader.left = json.loads(self._file.read_text()).get(reader.stream, {})
        return reader

    def _hand_over_all(self, reader: StreamReader, closing: Event) -> bool:
        for shard, records in reader.read():
            wanted = [each for each in records if matches(self._source.pattern, each)]
            failed = self._hand_over(wanted) if wanted else None
            if failed:
                reader.go_back(shard, failed)
                return False
            reader.left[shard] = records[-1]["dynamodb"]["SequenceNumber"]
            self._keep(reader)
            if closing.wait(self._source.window_seconds):
                break
        return True

    def _hand_over(self, records: list[Record]) -> str | None:
        """The sequence number of the first record to send again."""
        first: str = records[0]["dynamodb"]["SequenceNumber"]
        event = json.dumps({"Records": records}).encode()
        try:
            failures = json.loads(self._runtimes.invoke(self._source.function, event))["batchItemFailures"]
            return min((each["itemIdentifier"] for each in failures), default=None)
        except (FunctionFailed, KeyError, TypeError, ValueError) as error:
            self._log.write("local", f"{self._source.function} failed on {len(records)} records: {error!r}")
            return first

    def _keep(self, reader: StreamReader) -> None:
        write_private(self._file, json.dumps({reader.stream: reader.left}))
