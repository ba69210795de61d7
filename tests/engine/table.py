"""The rows of the engine's table, as they are stored."""

from itertools import batched
from typing import Any

from local.emulator import aws
from tests.conftest import template_resources

type Row = dict[str, Any]

PROPERTIES: dict[str, Any] = template_resources()["Table"]["Properties"]
NAME: str = PROPERTIES["TableName"]


class Table:
    def __init__(self, engine: str) -> None:
        self._client = aws.connect("dynamodb", engine)

    def rows(self) -> list[Row]:
        """All rows, in the order of their keys."""
        pages = self._client.get_paginator("scan").paginate(TableName=NAME, ConsistentRead=True)
        return sorted((row for page in pages for row in page["Items"]), key=_key)

    def replace(self, rows: list[Row]) -> list[Row]:
        """Makes these rows the only rows of the table. Returns the former ones."""
        former = self.rows()
        found = {_key(row): row for row in former}
        wanted = {_key(row): row for row in rows}
        gone = [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in found.keys() - wanted.keys()]
        other = [row for key, row in wanted.items() if found.get(key) != row]
        changes = [{"DeleteRequest": {"Key": key}} for key in gone] + [{"PutRequest": {"Item": row}} for row in other]
        for batch in batched(changes, 25, strict=False):
            self._client.batch_write_item(RequestItems={NAME: list(batch)})
        return former

    def put(self, row: Row) -> None:
        self._client.put_item(TableName=NAME, Item=row)

    def remove(self, row: Row) -> None:
        self._client.delete_item(TableName=NAME, Key={"pk": row["pk"], "sk": row["sk"]})


def rows_of(owner_id: str, rows: list[Row]) -> list[Row]:
    """The rows with the id of a tenant or of an API key in their partition key."""
    return [row for row in rows if owner_id in row["pk"]["S"].split("#")]


def _key(row: Row) -> tuple[str, str]:
    return row["pk"]["S"], row["sk"]["S"]
