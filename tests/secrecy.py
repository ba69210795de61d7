"""Texts that must not be logged: those that the tests use, and all that have the shape of a key or a signature."""

import base64
import json
import logging
import re
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from contacts.runtime.identifiers import is_id
from contacts.runtime.observability import logger

texts: set[str] = set()

_PERSONAL = {"phone", "display_name", "displayName", "reason", "key", "secret"}
_SHAPES = re.compile(r"sflo_live_[\w-]{10,}|sha256=[0-9A-Fa-f]{64}")
_SHORTEST = 10  # shorter texts are in ids and times by chance
_FEWEST = 4  # different characters; texts with fewer are padding
_LONGEST = 300  # characters of a body that are searched for


def note(value: Any) -> None:
    """Adds a text or a body, and the personal texts in a JSON value. Ids and padding are not added."""
    match value:
        case bytes():
            note(value.decode(errors="replace"))
        case str() if not is_id(value.strip()):
            spellings = value[:_LONGEST], value.strip()[:_LONGEST], re.sub(r"\D", "", value[:_LONGEST])
            texts.update(each for each in spellings if len(set(each)) >= _FEWEST)
            with suppress(ValueError, RecursionError):
                note(json.loads(value))
        case list() | tuple():
            for each in value:
                note(each)
        case dict():
            for name, each in value.items():
                if name in _PERSONAL or not isinstance(each, str):
                    note(each)


def keep(log: Path) -> None:
    """Also writes the log of all functions in this process to the file."""
    formatter = logger.registered_formatter
    write = formatter.format

    def write_once(record: logging.LogRecord) -> str:
        """For both handlers: a traceback takes longer than the request."""
        known = vars(record)
        if "written" not in known:
            known["written"] = write(record)
        return str(known["written"])

    formatter.format = write_once  # type: ignore[method-assign]
    handler = logging.FileHandler(log)
    handler.setFormatter(formatter)
    logger.addHandler(handler)


def find(*logs: Path) -> set[str]:
    """The texts that are in the logs, plain or as JSON, URLs and events encode them."""
    written = texts | {quote(text, errors="replace") for text in texts}
    written |= {json.dumps(text, ensure_ascii=is_ascii)[1:-1] for text in texts for is_ascii in (False, True)}
    written |= {base64.b64encode(text.encode(errors="replace")).decode() for text in texts}
    parts = {line for text in written for line in text.splitlines()}
    lines = {each for each in parts if len(each) >= _SHORTEST and len(set(each)) >= _FEWEST}
    found = subprocess.run(
        ["grep", "--text", "--fixed-strings", "--only-matching", "--no-filename", "--file=-", *map(str, logs)],
        input="\n".join(lines).encode(errors="replace"),
        stdout=subprocess.PIPE,
        check=False,
    )
    return {*found.stdout.decode().splitlines(), *(text for log in logs for text in _SHAPES.findall(log.read_text()))}
