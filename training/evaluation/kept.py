"""Verdicts kept as they are made, so that an evaluation that stopped goes on where it was.

The file holds no text: spans keep their places, reasons are left out. Ids stand as hashes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from models.verdict import Detect, Verdict
from models.wire import verdict_from_json, verdict_to_json
from training.corpus import Row
from training.evaluation.run import batches, posts_of

VERDICTS = "verdicts.jsonl"


def judge_kept(detect: Detect, rows: Sequence[Row], path: Path, *, release: str) -> list[Verdict]:
    """Judge the rows that the file has no verdict of yet, and give the verdicts of all.

    `release` is the checksum of what judges: a row that changed is judged anew, and so is all under another release.
    """
    wanted = {key(row, release): row for row in rows}
    found = dict(read(path, wanted)) if path.is_file() else {}
    cut = path.is_file() and path.read_bytes()[-1:] not in {b"", b"\n"}
    with path.open("a", encoding="utf-8") as file:
        file.write("\n" if cut else "")  # else the next line would be lost with the one that was cut off
        for batch in batches([row for each, row in wanted.items() if each not in found], "judging"):
            for row, verdict in zip(batch, detect(posts_of(batch)), strict=True):
                found[key(row, release)] = verdict
                file.write(line(key(row, release), verdict))
            file.flush()
    return [found[key(row, release)] for row in rows]


def key(row: Row, release: str) -> str:
    """Name a row as a release reads it."""
    return hashlib.sha256(f"{release}\0{row.id}\0{row.lang}\0{row.text}".encode()).hexdigest()[:32]


def line(key: str, verdict: Verdict) -> str:
    """Write a verdict without anything that quotes the post."""
    bare = replace(verdict, id=key, spans=[replace(span, text="") for span in verdict.spans], reasons=())
    return json.dumps(verdict_to_json(bare, digits=None)) + "\n"  # ASCII: a line cut off never ends in half a letter


def read(path: Path, wanted: Mapping[str, Row]) -> Iterator[tuple[str, Verdict]]:
    """Yield the kept verdicts of wanted rows; a line that was cut off when a run was killed is passed over."""
    with path.open(encoding="utf-8") as file:
        for text in file:
            if (row := wanted.get(text[8:40])) is None:  # {"id": "<32 digits>", ...: most lines need no parsing
                continue
            try:
                verdict = verdict_from_json(json.loads(text))
            except ValueError:
                continue
            spans = [replace(span, text=row.text[span.start : span.end]) for span in verdict.spans]
            yield text[8:40], replace(verdict, id=row.id, spans=spans)
