"""How people write a span of time: `90d`, `12h`."""

from __future__ import annotations

import re
from datetime import timedelta

MAX_DAYS = 36_500  # beyond a hundred years, it is a slip of the hand


def span_of_time(words: str) -> timedelta | None:
    """Read days or hours, more than none; None when it is no such span."""
    found = re.fullmatch(r"([1-9]\d{0,6})([dh])", words.strip(), re.ASCII)
    if not found:
        return None
    span = timedelta(days=int(found[1])) if found[2] == "d" else timedelta(hours=int(found[1]))
    return span if span <= timedelta(days=MAX_DAYS) else None
