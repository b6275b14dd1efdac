"""Verdicts into JSONL, CSV or Parquet. A file appears under its name only when it is whole."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from models.verdict import INTENTS, Verdict
from models.wire import verdict_to_json

Write = Callable[[Sequence[Verdict]], None]
Format = Callable[[BinaryIO], AbstractContextManager[Write]]

ROW_GROUP = 8192  # rows; smaller groups bloat a file, larger ones are held in memory until they are full
PROBABILITIES = ("advert_probability", *(f"intent_{intent}" for intent in INTENTS))
NESTED = ("spans", "substances", "reasons", "warnings")  # JSON text within a cell
COLUMNS = ("id", "decision", *PROBABILITIES, *NESTED, "lang", "release", "lexicon", "policy")


@contextmanager
def open_sink(out: Path | str | None) -> Iterator[Write]:
    """Write by the ending of the name; `-` or nothing is JSONL on standard output."""
    if out is None or str(out) == "-":
        sys.stdout.flush()
        with _jsonl(sys.stdout.buffer) as write:
            yield write
        return
    open_format = _format_of(Path(out))
    with _whole_or_nothing(Path(out)) as stream, open_format(stream) as write:
        yield write


def _format_of(out: Path) -> Format:
    formats = {".jsonl": _jsonl, ".ndjson": _jsonl, ".csv": _csv, ".parquet": _parquet}
    packed = out.suffix.lower() == ".gz"
    ending = (Path(out.stem) if packed else out).suffix.lower()
    if ending not in formats or (packed and ending == ".parquet"):
        raise ValueError(f"{out.name}: wants .jsonl or .csv (each also .gz) or .parquet")
    return partial(_packed, formats[ending]) if packed else formats[ending]


@contextmanager
def _whole_or_nothing(out: Path) -> Iterator[BinaryIO]:
    """Write beside `out` and rename at the end, so that a broken run leaves nothing that poses as whole."""
    out = out.resolve()  # a link keeps pointing where it did
    if out.exists() and not out.is_file():  # a pipe or a device is written to, never replaced
        with out.open("wb") as stream:
            yield stream
        return
    part = out.with_name(f".{out.name}.{uuid4().hex}.part")
    try:
        with part.open("xb") as stream:
            yield stream
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _packed(open_format: Format, stream: BinaryIO) -> Iterator[Write]:
    # no name and no time in the header: the same verdicts give the same bytes
    with gzip.GzipFile("", "wb", fileobj=stream, mtime=0) as packed, open_format(cast(BinaryIO, packed)) as write:
        yield write


@contextmanager
def _jsonl(stream: BinaryIO) -> Iterator[Write]:
    def write(verdicts: Sequence[Verdict]) -> None:
        lines = (json.dumps(verdict_to_json(verdict), ensure_ascii=False) + "\n" for verdict in verdicts)
        stream.write("".join(lines).encode())
        stream.flush()  # who reads along sees whole batches

    yield write


@contextmanager
def _csv(stream: BinaryIO) -> Iterator[Write]:
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
    table = csv.DictWriter(text, COLUMNS)
    table.writeheader()
    yield lambda verdicts: table.writerows(map(_flat, verdicts))
    text.detach()  # the stream is closed by who opened it


@contextmanager
def _parquet(stream: BinaryIO) -> Iterator[Write]:
    rows: list[dict[str, Any]] = []
    schema = pa.schema([(name, pa.float64() if name in PROBABILITIES else pa.string()) for name in COLUMNS])
    with pq.ParquetWriter(stream, schema) as table:

        def write(verdicts: Sequence[Verdict]) -> None:
            rows.extend(map(_flat, verdicts))
            while len(rows) >= ROW_GROUP:
                table.write_table(pa.Table.from_pylist(rows[:ROW_GROUP], schema))
                del rows[:ROW_GROUP]

        yield write
        if rows:
            table.write_table(pa.Table.from_pylist(rows, schema))


def _flat(verdict: Verdict) -> dict[str, Any]:
    wire = verdict_to_json(verdict)
    wire |= {f"intent_{intent}": probability for intent, probability in wire.pop("intents").items()}
    return wire | {name: json.dumps(wire[name], ensure_ascii=False) for name in NESTED}
