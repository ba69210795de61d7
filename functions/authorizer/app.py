"""The API's authorizer: resolves the key of a request to its tenant and scopes."""

from typing import Any

from contacts.auth import authorize


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return authorize(event)
