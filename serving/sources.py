"""Files of posts as lines, one at a time: CSV, TSV, JSONL, Parquet and plain text.

A line that cannot be read carries a fault instead of fields, and the next one is read. Blank lines hold no post and are
passed over. TSV is quoted as CSV is. On standard input a line that starts with `{` is JSON, any other is a text.
"""

from __future__ import annotations

import gzip
import io
import json
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from serving.delimited import MAX_RECORD, Numbered, records
from serving.forms import FAULT_OF, character_fault


class SourceError(ValueError):
    """The file as a whole cannot be read."""


@dataclass(frozen=True, slots=True)
class Line:
    """One record of a source and where it began; with a fault it has no fields."""

    number: int
    fields: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""


def read_lines(source: Path | str, *, text_column: str, id_column: str, batch_size: int) -> Iterator[Line]:
    """Read by the ending of the name, or `-` for standard input."""
    if str(source) == "-":
        yield from _standard_input(text_column)
        return
    source = Path(source)
    wanted = (text_column, id_column, *FAULT_OF)
    packed = source.suffix.lower() == ".gz"
    ending = (Path(source.stem) if packed else source).suffix.lower()
    if ending == ".parquet" and not packed:
        yield from _parquet(source, wanted, batch_size)
    elif ending in (".csv", ".tsv"):
        with _opened(source, packed=packed, newline="") as stream:
            yield from _csv(stream, "," if ending == ".csv" else "\t", wanted)
    elif ending in (".jsonl", ".ndjson", ".txt"):
        with _opened(source, packed=packed, newline="\n") as stream:
            yield from _json_or_text(stream, text_column, text_too=ending == ".txt")
    else:
        raise SourceError(f"{source.name}: wants .csv, .tsv, .jsonl, .txt (each also .gz) or .parquet")


def _standard_input(text_column: str) -> Iterator[Line]:
    stream = _decoded(sys.stdin.buffer, newline="\n")
    try:
        yield from _json_or_text(stream, text_column, text_too=True)
    finally:
        stream.detach()  # or it would close standard input when it goes


@contextmanager
def _opened(source: Path, *, packed: bool, newline: str) -> Iterator[TextIO]:
    with source.open("rb") as raw:
        try:
            yield _decoded(gzip.GzipFile(fileobj=raw) if packed else raw, newline=newline)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise SourceError(f"{source.name}: is not whole gzip: {error}") from None


def _decoded(stream: Any, *, newline: str) -> io.TextIOWrapper:
    """Decode so that bytes that are not UTF-8 come out as lone surrogates, which `character_fault` refuses."""
    if stream.peek(2)[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise SourceError("is UTF-16, wanted UTF-8")
    return io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline=newline)


def _numbered(stream: TextIO) -> Iterator[Numbered]:
    number = 0
    while line := stream.readline(MAX_RECORD):
        number += 1
        too_long = False
        while len(line) == MAX_RECORD and line[-1] not in "\r\n":
            too_long, line = True, stream.readline(MAX_RECORD)
        yield number, None if too_long else line


def _json_or_text(stream: TextIO, text_column: str, *, text_too: bool) -> Iterator[Line]:
    found: set[str] = set()  # the keys of the first object, to name them if no object has the text
    has_text = False
    for number, line in _numbered(stream):
        if line is None:
            yield Line(number, fault=f"is longer than {MAX_RECORD} characters")
        elif not line.isspace():
            record = _text_or_json(number, line, text_column if text_too else None)
            found, has_text = found or set(record.fields), has_text or text_column in record.fields
            yield record
    if found and not has_text:
        raise SourceError(_no_column(text_column, sorted(found)))


def _text_or_json(number: int, line: str, text_column: str | None) -> Line:
    if fault := character_fault(line):
        return Line(number, fault=fault)
    if text_column is not None and not line.startswith("{"):
        return Line(number, {text_column: line.rstrip("\r\n")})
    try:
        fields = json.loads(line)
    except json.JSONDecodeError as error:
        return Line(number, fault=f"is not JSON: {error.msg} at column {error.colno}")
    except (ValueError, RecursionError):  # a number of thousands of digits, brackets without end
        return Line(number, fault="is not JSON that can be read")
    return Line(number, fields) if isinstance(fields, dict) else Line(number, fault="is not a JSON object")


def _csv(stream: TextIO, delimiter: str, wanted: Sequence[str]) -> Iterator[Line]:
    rows = records(_numbered(stream), delimiter)
    header = next(rows, None)
    if header and header.fault:
        raise SourceError(f"line {header.number}, the header, {header.fault}")
    names = [name.strip() for name in header.cells] if header else []
    _need_columns(names, wanted)
    for row in rows:
        fault = row.fault or next(filter(None, map(character_fault, row.cells)), "")
        if not fault and len(row.cells) != len(names):
            fault = f"has {len(row.cells)} fields, the header has {len(names)}"
        yield Line(row.number, {} if fault else dict(zip(names, row.cells, strict=True)), fault)


def _parquet(source: Path, wanted: Sequence[str], batch_size: int) -> Iterator[Line]:
    """Read the wanted columns only; the number of a line is that of its row."""
    try:
        with pq.ParquetFile(source) as table:
            names = table.schema_arrow.names
            _need_columns(names, wanted)
            columns = [name for name in dict.fromkeys(wanted) if name in names]
            number = 0
            for batch in table.iter_batches(batch_size, columns=columns):
                for row in zip(*(_values(batch.column(name)) for name in columns), strict=True):
                    number += 1
                    yield Line(number, dict(zip(columns, row, strict=True)))
    except pa.ArrowException as error:
        raise SourceError(f"{source.name}: is not Parquet that can be read: {error}") from None


def _values(column: Any) -> list[Any]:
    """Leave Arrow; strings by way of their bytes, since one that is not UTF-8 would fail its whole batch."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return list(column.to_pylist())
    values = column.cast(pa.large_binary()).to_pylist()
    return [value if value is None else value.decode(errors="surrogateescape") for value in values]


def _need_columns(names: Sequence[str], wanted: Sequence[str]) -> None:
    text_column, id_column, *_ = wanted
    if text_column not in names:
        raise SourceError(_no_column(text_column, names))
    if id_column not in names and id_column != "id":  # "id" is only the default, and falls back to the line number
        raise SourceError(_no_column(id_column, names))
    if repeated := sorted({name for name in names if name in wanted and names.count(name) > 1}):
        raise SourceError(f"more than one column is called {', '.join(map(repr, repeated))}")


def _no_column(wanted: str, names: Sequence[str]) -> str:
    """Say which columns there are; a file without a header shows its first row here, so names are cut short."""
    shown = ", ".join(ascii(name[:40]) for name in names[:30]) or "none"
    return f"no column {wanted!r}; columns found: {shown}"
