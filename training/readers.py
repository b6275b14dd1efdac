"""Files and hub ids to records by Hugging Face `datasets`: what training reads with."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import datasets

from training.corpus import DataError, Record, is_hub_id

BUILDERS: dict[str, tuple[str, dict[str, Any]]] = {
    ".csv": ("csv", {}),
    ".tsv": ("csv", {"delimiter": "\t"}),
    ".jsonl": ("json", {}),
    ".json": ("json", {}),
    ".parquet": ("parquet", {}),
}


def read_dataset(name: str) -> Iterable[Record]:
    """Read a CSV, TSV, JSONL or Parquet file (or gzip of the text ones), or the train split of a hub id."""
    if is_hub_id(name):
        return _records(datasets.load_dataset(name, split="train"))
    ending = Path(name.removesuffix(".gz")).suffix
    if ending not in BUILDERS:
        raise DataError(f"{name}: found the ending {ending!r}, wanted one of {', '.join(BUILDERS)} (or .gz of it)")
    builder, options = BUILDERS[ending]
    try:
        return _records(datasets.load_dataset(builder, data_files=name, split="train", **options))
    except (datasets.exceptions.DatasetGenerationError, ValueError) as error:
        raise DataError(f"{name}: not readable as {builder}: {error.__cause__ or error}") from error


def _records(table: Iterable[Record]) -> Iterable[Record]:
    return iter(table)
