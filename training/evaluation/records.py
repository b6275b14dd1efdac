"""Files to records by Arrow: what evaluation reads with, so that an auditor needs no training library."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

from training.corpus import DataError, Record

BLOCK = 64 << 20  # bytes: a JSON line longer than a block cannot be read


def read_file(name: str) -> Iterator[Record]:
    """Read a CSV, TSV, JSONL or Parquet file (or gzip of the text ones)."""
    path = Path(name)
    if not path.is_file():
        raise DataError(f"{name}: no such file")
    try:
        for batch in _table(path).to_batches():
            yield from batch.to_pylist()
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{name}: not readable: {error}") from error


def _table(path: Path) -> pa.Table:
    ending = Path(path.name.removesuffix(".gz")).suffix
    if ending == ".parquet":
        return pyarrow.parquet.read_table(path)
    if ending in {".jsonl", ".json"}:
        with pa.input_stream(str(path), compression="detect") as stream:
            return pyarrow.json.read_json(stream, read_options=pyarrow.json.ReadOptions(block_size=BLOCK))
    if ending in {".csv", ".tsv"}:
        parse = pyarrow.csv.ParseOptions(delimiter="\t" if ending == ".tsv" else ",", newlines_in_values=True)
        with pa.input_stream(str(path), compression="detect") as stream:
            names = pyarrow.csv.open_csv(stream, parse_options=parse).schema.names
        words = pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))  # "007" is no number
        with pa.input_stream(str(path), compression="detect") as stream:
            return pyarrow.csv.read_csv(stream, parse_options=parse, convert_options=words)
    raise DataError(f"{path}: found the ending {ending!r}, wanted .csv, .tsv, .jsonl, .json or .parquet (or .gz)")
