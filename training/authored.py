"""Compile a folder of authored, marked posts and stamp its card: `python -m training.authored FOLDER`.

`marked/train.*.jsonl` become `train.jsonl`, and so for each part named before the first dot.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from models.release import sha256
from training.markup import MarkupError, compile_row


def compile_folder(folder: Path) -> dict[str, int]:
    """Compile every part of the folder and give its count of rows; `MarkupError` names the line that is wrong."""
    parts: dict[str, list[str]] = {}
    for path in sorted((folder / "marked").glob("*.jsonl")):
        part = re.split(r"[\d.]", path.name)[0]
        parts.setdefault(part, []).extend(json.dumps(row, ensure_ascii=False) for row in _rows(path))
    for part, lines in parts.items():
        (folder / f"{part}.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return {f"{part}.jsonl": len(lines) for part, lines in parts.items()}


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            yield compile_row(json.loads(line))
        except (MarkupError, KeyError, json.JSONDecodeError) as error:
            raise MarkupError(f"{path}:{number}: {error}") from error


def stamp(card: Path, counts: dict[str, int]) -> None:
    """Write each file's checksum and count of rows into the card's front matter, and nothing else."""
    text = card.read_text(encoding="utf-8")
    for name, rows in counts.items():
        entry = f"    {name}: {{sha256: {sha256(card.parent / name)}, rows: {rows}}}"
        text, found = re.subn(rf"^    {re.escape(name)}: .*$", entry, text, flags=re.MULTILINE)
        if found != 1:
            raise MarkupError(f"{card}: found {found} lines for {name} under npsight.files, wanted one")
    card.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    here = Path(sys.argv[1])
    compiled = compile_folder(here)
    stamp(here / "README.md", compiled)
    print(compiled)
