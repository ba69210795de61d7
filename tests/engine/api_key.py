"""An API key of ACME's, and the authorizer's answer to it."""

from typing import Any

from contacts.access.keys import hash_key
from contacts.runtime.settings import key_pepper
from tests.engine.table import Row
from tests.events import ACME, sample_event
from tests.handlers import invoke

_KEY = "sflo_live_" + 43 * "x"
_TEXTS = {
    "pk": f"KEY#{hash_key(_KEY, key_pepper())}",
    "sk": "KEY",
    "tenant_id": ACME.id,
    "key_id": ACME.key_id,
    "name": "CRM",
    "prefix": _KEY[:14],
    "status": "ACTIVE",
    "created_at": "2026-01-01T00:00:00.000Z",
}
API_KEY: Row = {
    **{name: {"S": text} for name, text in _TEXTS.items()},
    "scopes": {"L": [{"S": "contacts:read"}]},
    "require_signature": {"BOOL": False},
}
LISTED_API_KEY: Row = {"pk": {"S": f"{ACME.id}#KEYS"}, "sk": {"S": ACME.key_id}, "key_hash": {"S": _TEXTS["pk"][4:]}}


def authorize() -> dict[str, Any]:
    answer: dict[str, Any] = invoke(
        "authorizer", sample_event("authorizer") | {"headers": {"Authorization": f"Bearer {_KEY}"}}
    )
    return answer
