"""Score a file of posts. What cannot be read is reported and counted, and the rest goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from models.verdict import Detect, Post, Verdict
from serving.forms import FAULT_OF, character_fault, text_fault
from serving.sinks import open_sink
from serving.sources import Line, read_lines

MAX_PROBLEMS = 20  # kept with their line numbers; all are counted
BATCH_CHARACTERS = 2**20  # a batch of very long posts is cut short, so that memory stays what it is


@dataclass(slots=True)
class Tally:
    """How a run went: a caller may exit with an error when `malformed` is not zero."""

    scored: int = 0
    malformed: int = 0
    problems: list[tuple[int, str]] = field(default_factory=list)

    def report(self, line: Line) -> None:
        """Count a malformed line, and keep the first ones."""
        self.malformed += 1
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append((line.number, line.fault))


@dataclass(frozen=True, slots=True)
class Entry:
    """A post of a file, and the warnings that reading it gave."""

    post: Post
    warnings: tuple[str, ...] = ()


def score_file(
    detect: Detect,
    source: Path | str,
    out: Path | str | None = None,
    *,
    text_column: str = "text",
    id_column: str = "id",
    batch_size: int = 256,
    on_progress: Callable[[Tally], None] | None = None,
) -> Tally:
    """Stream `source` through `detect` into `out`; `SourceError` says that the file as a whole cannot be read."""
    if out is not None and "-" not in (str(source), str(out)) and Path(source).resolve() == Path(out).resolve():
        raise ValueError(f"{out}: is the source, the verdicts need another file")
    tally = Tally()
    lines = read_lines(source, text_column=text_column, id_column=id_column, batch_size=batch_size)
    with open_sink(out) as write:
        for batch in _batches(_entries(lines, text_column, id_column, tally), batch_size):
            write(_judge(detect, batch))
            tally.scored += len(batch)
            if on_progress:
                on_progress(tally)
    return tally


def score_posts(
    detect: Detect, source: Path | str, *, tally: Tally, text_column: str = "text", id_column: str = "id"
) -> Iterator[tuple[Post, Verdict]]:
    """Stream `source` through `detect` and give each post beside its verdict."""
    lines = read_lines(source, text_column=text_column, id_column=id_column, batch_size=64)
    for batch in _batches(_entries(lines, text_column, id_column, tally), 64):
        tally.scored += len(batch)
        yield from zip((entry.post for entry in batch), _judge(detect, batch), strict=True)


def _judge(detect: Detect, batch: list[Entry]) -> list[Verdict]:
    verdicts = detect([entry.post for entry in batch])
    return [
        replace(verdict, warnings=(*verdict.warnings, *entry.warnings)) if entry.warnings else verdict
        for verdict, entry in zip(verdicts, batch, strict=True)
    ]


def _batches(entries: Iterable[Entry], batch_size: int) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    characters = 0
    for entry in entries:
        batch.append(entry)
        characters += len(entry.post.text)
        if len(batch) >= batch_size or characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _entries(lines: Iterable[Line], text_column: str, id_column: str, tally: Tally) -> Iterator[Entry]:
    for line in lines:
        entry = _entry(line, text_column, id_column) if not line.fault else line
        if isinstance(entry, Line):
            tally.report(entry)
        else:
            yield entry


def _entry(line: Line, text_column: str, id_column: str) -> Entry | Line:
    """Take the fields of a post and no others: a label of the row must not reach the detector."""
    text = line.fields.get(text_column)
    name = _word(line.fields.get(id_column)) or str(line.number)
    if not isinstance(text, str):
        return replace(line, fault=f"{text_column} is missing" if text is None else f"{text_column} is not a string")
    if fault := text_fault(text):
        return replace(line, fault=f"{text_column} {fault}")
    if fault := character_fault(name):
        return replace(line, fault=f"{id_column} {fault}")
    words = {key: _word(line.fields.get(key)) for key in FAULT_OF}
    faults = {key: fault for key, word in words.items() if word and (fault := FAULT_OF[key](word))}
    kept = {key: word for key, word in words.items() if word and key not in faults}
    return Entry(Post(name, text, **kept), tuple(f"{key} {fault}: left out" for key, fault in faults.items()))


def _word(value: Any) -> str | None:
    """Write a cell as a word: numbers and Parquet's times too; an empty cell is none."""
    if value is None or value == "" or value != value:  # noqa: PLR0124  # pandas writes a missing number as NaN
        return None
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
