"""Words that only the test part of a corpus may hold: the generator leaves them out, the check finds them elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

HELD_OUT = "held_out.txt"
HELD_OUT_PARTS = frozenset({"test", "demo"})
"""Every other part trains, or chooses among what was trained."""


def held_out_words(folder: Path) -> list[str]:
    """Read the words, one a line; none when the folder keeps no such list."""
    path = folder / HELD_OUT
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return sorted({line.strip() for line in lines if line.strip()})


def whole_words(words: Sequence[str]) -> re.Pattern[str]:
    """Build the pattern that finds any of these words whole in casefolded text, or nothing when there are none."""
    listed = sorted((re.escape(word.casefold()) for word in words), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(listed)})(?!\w)" if listed else r"(?!)")
