"""Formats and hooks for Schemathesis, which loads this file because schemathesis.toml names it."""

import json
import os
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import strategies as st

separators = st.characters(categories=["Zs", "Pd", "Cf"]) | st.sampled_from("+()./\t＋（）．／\N{MINUS SIGN}")
written_digits = st.tuples(st.text(separators, max_size=2), st.characters(categories=["Nd"])).map("".join)
schemathesis.openapi.format("phone", st.lists(written_digits, min_size=5, max_size=32).map("".join))

tag_ids = st.sampled_from(os.environ["TAG_IDS"].split()) | st.from_regex(r"c[a-z0-9]{7,31}", fullmatch=True)
schemathesis.openapi.format("tag-id", tag_ids)

_idempotency_keys = set[str]()


@schemathesis.hook
def before_call(_context: object, case: schemathesis.Case[Any], _kwargs: dict[str, Any]) -> None:
    """Drops a key that another request has used: the 422 would hide every other fault of this request."""
    key = case.headers.get("Idempotency-Key")
    if key in _idempotency_keys:
        del case.headers["Idempotency-Key"]
    _idempotency_keys.add(str(key))


@schemathesis.hook
def after_call(_context: object, _case: object, response: schemathesis.Response) -> None:
    """Writes both bodies to a file. The test then checks that they are in no log."""
    sent = response.request.body
    bodies = [sent.decode(errors="replace") if isinstance(sent, bytes) else sent, response.text]
    with Path(os.environ["EXCHANGES"]).open("a", encoding="utf-8") as exchanges:
        print(json.dumps(bodies), file=exchanges)
