"""Values of the formats that openapi.yaml names, for Schemathesis: it loads this file by schemathesis.toml."""

import os

import schemathesis
from hypothesis import strategies as st

dropped = st.text(
    st.characters(categories=["Zs", "Pd", "Cf"]) | st.sampled_from("+()./\t＋（）．／\N{MINUS SIGN}"), max_size=2
)
digit = st.characters(categories=["Nd"])
phones = st.lists(st.tuples(dropped, digit).map("".join), min_size=5, max_size=32).map("".join)
schemathesis.openapi.format("phone", phones)

tag_ids = st.sampled_from(os.environ["TAG_IDS"].split()) | st.from_regex(r"c[a-z0-9]{7,31}", fullmatch=True)
schemathesis.openapi.format("tag-id", tag_ids)
