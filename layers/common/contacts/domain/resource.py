"""The classes that callers see as JSON objects."""

from dataclasses import dataclass
from typing import dataclass_transform


@dataclass_transform(kw_only_default=True, frozen_default=True)
def resource[Resource](cls: type[Resource]) -> type[Resource]:
    """A dataclass with as few generated methods as possible, because every cold start compiles them again.

    Frozen to the type checker only. The order of the fields is the order of the JSON keys.
    """
    return dataclass(kw_only=True, repr=False, match_args=False)(cls)
