"""Times as contract section 2 writes them: UTC with milliseconds and Z. As text they sort by time."""

from datetime import UTC, datetime


def now() -> str:
    return to_text(datetime.now(UTC))


def to_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
