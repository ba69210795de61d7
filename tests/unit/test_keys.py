"""The format of API keys."""

import re

from contacts.access.keys import SHAPE, new_key


def test_a_new_key_has_43_random_characters_after_its_prefix() -> None:
    keys = {new_key() for _ in range(10)}
    assert len(keys) == 10
    assert all(re.fullmatch(r"sflo_live_[A-Za-z0-9_-]{43}", key) and SHAPE.fullmatch(key) for key in keys)
