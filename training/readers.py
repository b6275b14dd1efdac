"""Files and hub ids to records by Hugging Face `datasets`: what training reads with."""

from __future__ import annotations

import csv
import gzip
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import datasets

from training.corpus import DataError, Record, is_hub_id

BUILDERS = {".csv": "csv", ".tsv": "csv", ".jsonl": "json", ".json": "json", ".parquet": "parquet"}


def read_dataset(name: str) -> Iterable[Record]:
    """Read a CSV, TSV, JSONL or Parquet file (or gzip of the text ones), or the train split of a hub id."""
    if is_hub_id(name):
        return _records(datasets.load_dataset(name, split="train"))
    ending = Path(name.removesuffix(".gz")).suffix
    if ending not in BUILDERS:
        raise DataError(f"{name}: found the ending {ending!r}, wanted one of {', '.join(BUILDERS)} (or .gz of it)")
    try:
        options = _words(name, "\t" if ending == ".tsv" else ",") if BUILDERS[ending] == "csv" else {}
        with warnings.catch_warnings():
            warnings.filterwarnings("error", "Length of header")  # pandas would drop the cells that a row has too many
            return _records(datasets.load_dataset(BUILDERS[ending], data_files=name, split="train", **options))
    except (datasets.exceptions.DatasetGenerationError, ValueError, OSError) as error:
        raise DataError(f"{name}: not readable as {BUILDERS[ending]}: {error.__cause__ or error}") from error
    except StopIteration as error:  # what an empty JSONL file gives
        raise DataError(f"{name}: empty, wanted at least one row") from error


def _words(name: str, delimiter: str) -> dict[str, Any]:
    """Have every cell read as what it says: `007` is no number and `NA` no gap."""
    with (gzip.open if name.endswith(".gz") else open)(name, "rt", encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file, delimiter=delimiter), [])
    features = datasets.Features({column: datasets.Value("string") for column in header})
    return {"delimiter": delimiter, "features": features, "keep_default_na": False, "index_col": False}


def _records(table: Iterable[Record]) -> Iterable[Record]:
    return iter(table)
