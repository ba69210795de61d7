import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.runtime import timestamps

moments = st.datetimes(timezones=st.timezones(), min_value=datetime(1971, 1, 1), max_value=datetime(9998, 1, 1))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC), "2026-01-02T03:04:05.678Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 678_999, tzinfo=UTC), "2026-01-02T03:04:05.678Z"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05.000Z"),
        (datetime(2026, 1, 1, 1, 0, tzinfo=timezone(timedelta(hours=2))), "2025-12-31T23:00:00.000Z"),
        (datetime(2025, 12, 31, 18, 30, tzinfo=timezone(timedelta(hours=-5, minutes=-30))), "2026-01-01T00:00:00.000Z"),
    ],
)
def test_times_are_utc_with_milliseconds_and_z(moment: datetime, text: str) -> None:
    assert timestamps.to_text(moment) == text


@given(moments, moments)
def test_timestamps_sort_by_time_as_text(one: datetime, other: datetime) -> None:
    earlier, later = sorted([one, other])
    assert timestamps.to_text(earlier) <= timestamps.to_text(later)


def test_now_is_now() -> None:
    now = timestamps.now()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", now)
    assert abs(datetime.now(UTC) - datetime.fromisoformat(now)) < timedelta(seconds=5)
