"""JSON objects in files: how reports, protocols and comparisons are written and read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_json(values: Mapping[str, Any], path: Path, *, allow_nan: bool = False) -> None:
    """Write plain values as readable JSON; `ValueError` for a number that JSON has not, unless allowed."""
    text = json.dumps(values, indent=2, ensure_ascii=False, allow_nan=allow_nan)
    path.write_text(text + "\n", encoding="utf-8")


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object; `ValueError` names the file and what was found."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: not JSON ({error})") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path}: found a {type(values).__name__}, wanted an object")
    return values
