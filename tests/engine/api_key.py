"""The items of an API key of ACME, and the authorizer's answer to the key."""

from typing import Any

from contacts.storage.items import TenantApiKey
from tests.api_keys import build_api_key
from tests.engine.table import Row
from tests.events import ACME, sample_event
from tests.handlers import invoke

_KEY = "sflo_live_" + 43 * "x"
API_KEY: Row = build_api_key(_KEY, ACME).serialize()
LISTED_API_KEY: Row = TenantApiKey(
    *TenantApiKey.key(ACME.id, ACME.key_id), key_hash=API_KEY["pk"]["S"].removeprefix("KEY#")
).serialize()


def authorize() -> dict[str, Any]:
    answer: dict[str, Any] = invoke(
        "authorizer", sample_event("authorizer") | {"headers": {"Authorization": f"Bearer {_KEY}"}}
    )
    return answer
