"""Compile a folder of authored, marked posts and stamp its card: `python -m training.authored FOLDER`.

`marked/train.*.jsonl` become `train.jsonl`, and so for each part named before the first dot.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from models.release import sha256
from models.verdict import ADVERT_INTENTS
from training.blocks import with_block
from training.markup import MarkupError, compile_row

OPEN, CLOSE = "<!-- counts, generated -->", "<!-- /counts -->"


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
    for number, line in enumerate(path.read_text(encoding="utf-8").rstrip("\n").split("\n"), start=1):
        try:
            yield compile_row(json.loads(line))
        except (MarkupError, KeyError, json.JSONDecodeError) as error:
            raise MarkupError(f"{path}:{number}: {error}") from error


def stamp(card: Path, counts: Mapping[str, int]) -> None:
    """Write each file's checksum and count of rows into the card's front matter, and the table of counts."""
    text = card.read_text(encoding="utf-8")
    for name, rows in counts.items():
        entry = f"    {name}: {{sha256: {sha256(card.parent / name)}, rows: {rows}}}"
        text, found = re.subn(rf"^    {re.escape(name)}: .*$", entry, text, flags=re.MULTILINE)
        if found != 1:
            raise MarkupError(f"{card}: found {found} lines for {name} under npsight.files, wanted one")
    counted = with_block(text, OPEN, CLOSE, lambda: count_table({name: _read(card.parent / name) for name in counts}))
    card.write_text(counted or text, encoding="utf-8")


def stamp_parts(folder: Path) -> dict[str, int]:
    """Stamp the card with every part that it lists and that is there, in its order; give their counts of rows."""
    card = folder / "README.md"
    listed = re.findall(r"^    ([\w.-]+\.jsonl): ", card.read_text(encoding="utf-8"), flags=re.MULTILINE)
    counts = {name: len(_read(folder / name)) for name in listed if (folder / name).is_file()}
    stamp(card, counts)
    return counts


def count_table(parts: Mapping[str, list[dict[str, Any]]]) -> str:
    """Count posts by intent, language and manner, a column a part, as a Markdown table."""
    lines = [f"| | {' | '.join(f'`{name}`' for name in parts)} |", "|---|" + "---|" * len(parts)]

    def add(words: str, values: Iterable[Any]) -> None:
        lines.append(f"| {words} | {' | '.join(f'{value:,}' for value in values)} |")

    add("posts", (len(rows) for rows in parts.values()))
    add("adverts", (sum(row["intent"] in ADVERT_INTENTS for row in rows) for rows in parts.values()))
    add("in minimal pairs", (sum(row["pair"] is not None for row in rows) for rows in parts.values()))
    add("with spans", (sum(bool(row["spans"]) for row in rows) for rows in parts.values()))
    add("words, median", (int(median(len(row["text"].split()) for row in rows)) for rows in parts.values()))
    for field in ("intent", "lang", "manner", "functionality"):
        for value in sorted({row[field] for rows in parts.values() for row in rows if field in row}):
            add(f"{field} {value}", (sum(row.get(field) == value for row in rows) for rows in parts.values()))
    return "\n".join(lines)


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").rstrip("\n").split("\n")]


if __name__ == "__main__":
    here = Path(sys.argv[1])
    print(compile_folder(here))
    stamp_parts(here)
