"""Runs the `contacts` command in this process."""

import csv
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import httpx2
import pytest

from contacts_client import Contacts
from contacts_client.cli import commands

type Handle = Callable[[httpx2.Request], httpx2.Response]
type Counts = dict[str, int]

HEADER = "Phone", "Name", "Tags"


class Command:
    def __init__(self, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], handle: Handle, key: str) -> None:
        patch.setenv("CONTACTS_URL", "https://api.example.com")
        patch.setenv("CONTACTS_KEY", key)
        patch.setattr(commands, "Contacts", partial(Contacts, transport=httpx2.MockTransport(handle)))
        patch.setattr(commands, "_SHARE_OF_RATE", 100)
        self._capsys = capsys
        self.output = self.errors = ""

    def run(self, *arguments: object) -> int:
        """The exit code."""
        self._capsys.readouterr()
        try:
            with pytest.raises(SystemExit) as ended:
                commands.run([str(each) for each in arguments])
        finally:
            self.output, self.errors = self._capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code

    def push(self, *arguments: object) -> tuple[int, Counts]:
        """The exit code, and the counts that are not 0."""
        code = self.run("push", *arguments, "--json", "--yes")
        return code, {name: number for name, number in self.json.items() if number}

    @property
    def json(self) -> dict[str, int]:
        """Of the last line. Handlers in this process print before it."""
        value: dict[str, int] = json.loads(self.output.splitlines()[-1])
        return value


def write(file: Path, *rows: Sequence[str], header: Sequence[str] = HEADER) -> None:
    with file.open("w", newline="", encoding="utf-8") as opened:
        csv.writer(opened).writerows([header, *rows])


def read(file: Path) -> list[list[str]]:
    with file.open(newline="", encoding="utf-8-sig") as opened:
        return list(csv.reader(opened))
