"""What a challenger must not lose, as data: a TOML file whose unknown keys are refused."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

DEFAULT_LIMITS = Path(__file__).with_name("limits.toml")
MEASURES = ("recall", "false_flags", "suite", "attacks", "average_precision")


@dataclass(frozen=True, slots=True)
class Limits:
    """How sure a loss must be, and where how much of it is tolerated; the reasons stand in `limits.toml`."""

    confidence: float
    together: bool
    least_rows: int
    guarded: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # measure -> pattern -> share

    def __post_init__(self) -> None:
        if not 0.5 < self.confidence < 1:
            raise ValueError(f"confidence is {self.confidence}, wanted a share between 0.5 and 1")
        if self.least_rows < 1:
            raise ValueError(f"least_rows is {self.least_rows}, wanted 1 or more")
        for measure, table in self.guarded.items():
            for pattern, share in table.items():
                if not 0 <= share < 1:
                    raise ValueError(f"guarded.{measure}: {pattern!r} is {share}, wanted a share from 0 to below 1")

    def tolerance(self, measure: str, where: str, rows: int) -> float | None:
        """Give the loss tolerated in one place with so many rows to count; `None` where it is not guarded."""
        patterns = self.guarded.get(measure, {})
        if rows < self.least_rows:
            return None
        return next((share for pattern, share in patterns.items() if fnmatchcase(where, pattern)), None)

    def shared_among(self, places: int) -> Limits:
        """Widen each interval so that all the guarded places together hold at `confidence`, where that is asked."""
        if not self.together or places < 2:
            return self
        return replace(self, confidence=1 - (1 - self.confidence) / places)


def load_limits(path: Path | None = None) -> Limits:
    """Read a TOML file over the default limits; `ValueError` names an unknown key or a wrong type."""
    default = _read(DEFAULT_LIMITS)
    given = _read(path) if path else {}
    try:
        return Limits(**{**default, **given, "guarded": default["guarded"] | given.get("guarded", {})})
    except ValueError as error:
        raise ValueError(f"{path or DEFAULT_LIMITS}: {error}") from error


def _read(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not TOML ({error})") from error
    _refuse_unknown(values, [each.name for each in fields(Limits)], str(path))
    for name, wanted, fits in (
        ("confidence", "a number", _is_number),
        ("together", "true or false", lambda value: isinstance(value, bool)),
        ("least_rows", "a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool)),
        ("guarded", "a table", lambda value: isinstance(value, dict)),
    ):
        if name in values and not fits(values[name]):
            raise ValueError(f"{path}: {name} is {values[name]!r}, wanted {wanted}")
    _check_tables(values.get("guarded", {}), f"{path} [guarded]")
    return values


def _check_tables(guarded: Mapping[str, Any], where: str) -> None:
    _refuse_unknown(guarded, MEASURES, where)
    for measure, table in guarded.items():
        if not isinstance(table, dict) or not all(map(_is_number, table.values())):
            raise ValueError(f"{where}: {measure} is {table!r}, wanted a table of pattern = share")


def _refuse_unknown(values: Mapping[str, Any], known: Any, where: str) -> None:
    for name in values:
        if name not in known:
            raise ValueError(f"{where}: unknown key {name!r}, wanted one of {', '.join(known)}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
