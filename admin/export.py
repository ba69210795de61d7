"""Writes a tenant's contacts as JSON lines, in the shape of GET /v1/contacts and with the names of their tags."""

import json
import os
import sys
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

from admin.errors import FileExists, InvalidValue
from admin.jobs import patiently
from admin.progress import Progress
from contacts.domain.contact import ContactWithTags
from contacts.storage.contacts import ContactRepository
from contacts.storage.tags import TagCatalog
from contacts.web.response import to_json

STANDARD_OUTPUT = "-"
_PAGE = 100
_LONGEST_END = 1_000_000
"""In bytes: many times the longest line."""


def export(tenant_id: str, file: str, progress: Progress, *, resume: bool) -> int:
    """Returns how many contacts were written. A file can be read by its owner only.

    With `resume` it goes on behind the last contact in the file. Raises InvalidValue, FileExists.
    """
    try:
        if file == STANDARD_OUTPUT:
            return _write(tenant_id, None, sys.stdout.buffer, progress)
        opened = os.open(file, os.O_RDWR | os.O_CREAT | (0 if resume else os.O_EXCL), 0o600)
        with os.fdopen(opened, "r+b") as output:
            return _write(tenant_id, _last_id(output, tenant_id), output, progress)
    except FileExistsError:
        raise FileExists(file) from None
    except (OSError, ValueError) as error:  # ValueError: the name has characters that no file name can have
        reason = error.strerror if isinstance(error, OSError) else error
        raise InvalidValue(f"{file!r} cannot be written: {reason}.") from None


def _write(tenant_id: str, cursor: str | None, output: BinaryIO, progress: Progress) -> int:
    names = {tag.id: tag.name for tag in TagCatalog(tenant_id).all()}
    written = 0
    for contacts in _pages(tenant_id, cursor):
        output.writelines(_line(contact, names) for contact in contacts)
        output.flush()
        written += len(contacts)
        progress.advance(len(contacts))
    return written


def _pages(tenant_id: str, cursor: str | None) -> Iterator[list[ContactWithTags]]:
    contacts = ContactRepository(tenant_id)
    while True:
        page = patiently(partial(contacts.page, cursor, _PAGE))
        yield page.contacts
        if page.next_cursor is None:
            return
        cursor = page.next_cursor


def _line(contact: ContactWithTags, names: dict[str, str]) -> bytes:
    record = json.loads(to_json(contact))
    for assignment in record["tagAssignments"]:
        assignment["tagName"] = names.get(assignment["tagId"])
    return json.dumps(record).encode() + b"\n"


def _last_id(output: BinaryIO, tenant_id: str) -> str | None:
    """The last contact that the file has as a whole. Cuts off what is behind it."""
    start = max(0, output.seek(0, os.SEEK_END) - _LONGEST_END)
    output.seek(start)
    lines, _, _ = output.read().rpartition(b"\n")
    end = output.seek(start + len(lines) + 1 if lines else 0)
    if not lines:
        output.truncate()
        return None
    try:
        last = json.loads(lines.rpartition(b"\n")[2])
        is_ours = last["tenantId"] == tenant_id
        contact_id = str(last["id"])
    except (KeyError, TypeError, ValueError):
        is_ours = False
    if not is_ours:
        raise ValueError("it is not an export of this tenant")
    output.truncate(end)
    return contact_id
