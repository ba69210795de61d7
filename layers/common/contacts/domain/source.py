"""Who assigns or removes a tag, contract section 1."""

from enum import StrEnum


class Source(StrEnum):
    """A write replaces an assignment whose source has the same or a lower weight."""

    MANUAL_ADMIN = "MANUAL_ADMIN"
    API = "API"
    MANUAL_AGENT = "MANUAL_AGENT"
    AI_TOOL = "AI_TOOL"
    AI_AUTO_CLOSE = "AI_AUTO_CLOSE"

    @property
    def weight(self) -> int:
        return _WEIGHTS[self]


_WEIGHTS = {
    Source.MANUAL_ADMIN: 4,
    Source.API: 4,
    Source.MANUAL_AGENT: 3,
    Source.AI_TOOL: 2,
    Source.AI_AUTO_CLOSE: 1,
}

INBOUND = "INBOUND"
"""The source of changes by inbound messages, contract section 9. They assign no tags, so it has no weight."""

HIGHEST_WEIGHT = max(_WEIGHTS.values())
