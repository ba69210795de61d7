"""What must stay out of the logs: texts that the tests use, and whatever has the shape of a key or a signature."""

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
_SHORTEST = 10  # what is shorter turns up in ids and times by chance
_FEWEST = 4  # different characters; what has less is padding, in quotes perhaps
_LONGEST = 300  # of a body, more need not be looked for


def note(value: Any) -> None:
    """A text, a body among them, and whatever is personal in one or in an object; ids and mere padding are not."""
    match value:
        case bytes():
            note(value.decode(errors="replace"))
        case str() if not is_id(value):
            spellings = value, value.strip(), re.sub(r"\D", "", value)
            texts.update(each[:_LONGEST] for each in spellings if len(set(each)) >= _FEWEST)
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
    """Whatever a function that this process plays logs from now on, and wherever else it goes."""

    handler = logging.FileHandler(log)
    handler.setFormatter(logger.registered_formatter)
    logger.addHandler(handler)


def find(log: Path) -> set[str]:
    """Which of them the log says, as they are or as JSON, URLs and events write them."""
    written = texts | {quote(text, errors="replace") for text in texts}
    written |= {json.dumps(text, ensure_ascii=is_ascii)[1:-1] for text in texts for is_ascii in (False, True)}
    written |= {base64.b64encode(text.encode(errors="replace")).decode() for text in texts}
    parts = {line for text in written for line in text.splitlines()}
    lines = {each for each in parts if len(each) >= _SHORTEST and len(set(each)) >= _FEWEST}
    found = subprocess.run(
        ["grep", "--text", "--fixed-strings", "--only-matching", "--file=-", str(log)],
        input="\n".join(lines).encode(errors="replace"),
        stdout=subprocess.PIPE,
        check=False,
    )
    return {*found.stdout.decode().splitlines(), *_SHAPES.findall(log.read_text())}
