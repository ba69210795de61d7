"""The table, straight from the engine."""

from itertools import batched
from typing import Any

from local.emulator import aws
from tests.conftest import template_resources

type Row = dict[str, Any]

NAME = "contacts-local"
PROPERTIES: dict[str, Any] = template_resources()["Table"]["Properties"]


class Table:
    def __init__(self, engine: str) -> None:
        self._client = aws.connect("dynamodb", engine)

    def rows(self) -> list[Row]:
        """All of them, in the order of their keys."""
        pages = self._client.get_paginator("scan").paginate(TableName=NAME, ConsistentRead=True)
        return sorted((row for page in pages for row in page["Items"]), key=_key)

    def rows_of(self, tenant_id: str) -> list[Row]:
        return [row for row in self.rows() if tenant_id in row["pk"]["S"].split("#")]

    def replace(self, rows: list[Row]) -> None:
        """Makes these rows all there is."""
        found = {_key(row): row for row in self.rows()}
        wanted = {_key(row): row for row in rows}
        gone = [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in found.keys() - wanted.keys()]
        other = [row for key, row in wanted.items() if found.get(key) != row]
        changes = [{"DeleteRequest": {"Key": key}} for key in gone] + [{"PutRequest": {"Item": row}} for row in other]
        for batch in batched(changes, 25, strict=False):
            self._client.batch_write_item(RequestItems={NAME: list(batch)})

    def put(self, row: Row) -> None:
        self._client.put_item(TableName=NAME, Item=row)

    def remove(self, row: Row) -> None:
        self._client.delete_item(TableName=NAME, Key={"pk": row["pk"], "sk": row["sk"]})


def _key(row: Row) -> tuple[str, str]:
    return row["pk"]["S"], row["sk"]["S"]
