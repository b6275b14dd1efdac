"""What a release's verdicts look like on a stream that it is meant for: the yardstick for drift.

It holds counts and no text. One made of another stream than a team's own is of little worth to that team.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Reference:
    """Counts by measure and value, of so many posts, as one release and policy judged them."""

    source: str
    made: str
    release: str
    policy: str
    posts: int
    counts: Mapping[str, Mapping[str, int]]


def save_reference(reference: Reference, path: Path) -> None:
    """Write it as JSON."""
    path.write_text(json.dumps(asdict(reference), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def load_reference(path: Path) -> Reference:
    """Read it; `ValueError` says what was found and what was wanted."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: not JSON ({error})") from error
    wanted = sorted(Reference.__slots__)
    if not isinstance(values, dict) or sorted(values) != wanted:
        found = sorted(values) if isinstance(values, dict) else type(values).__name__
        raise ValueError(f"{path}: found {found}, wanted a reference with {wanted}")
    if not _is_count(values["posts"]) or not _are_counts(values["counts"]):
        raise ValueError(f"{path}: wanted counts by measure and value that are whole numbers from 0 on")
    return Reference(**values)


def _are_counts(counts: Any) -> bool:
    tables = counts.values() if isinstance(counts, dict) else [None]
    return all(isinstance(table, dict) and all(map(_is_count, table.values())) for table in tables)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
