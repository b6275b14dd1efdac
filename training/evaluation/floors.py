"""What a release shall reach, as data (`floors.toml`), held against its report: which floors are met, and which not."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from training.evaluation.floor_figures import NotShownError
from training.evaluation.floor_measures import MEASURES

FLOORS = Path(__file__).with_name("floors.toml")
BOUNDS = ("at_least", "at_most")
KEYS = ("name", "sentence", "measure", "on", *BOUNDS)
ROUNDING = 1e-9
"""A mean of shares can miss its exact value by the last bits of a float: that is no miss of a floor."""


@dataclass(frozen=True, slots=True)
class Floor:
    """One figure to reach. `measure` names a function of `floor_measures`, `on` what it is asked about."""

    name: str
    sentence: str
    measure: str
    on: str
    wanted: str  # at least, at most
    floor: float

    @property
    def unit(self) -> str:
        """Give the unit that its figures are said in: share or number."""
        return MEASURES[self.measure][1]

    def is_met_by(self, value: float) -> bool:
        """Tell whether an estimate meets it; the floor itself does."""
        beyond = value - self.floor if self.wanted == "at least" else self.floor - value
        return beyond >= -ROUNDING


def floors_of(report: Mapping[str, Any]) -> Any:
    """Give the report's own floors, or measure them where it was made without; maybe a reason stands in their place."""
    return report["floors"] if "floors" in report else measure_floors(report)


def measure_floors(report: Mapping[str, Any], floors: Sequence[Floor] | None = None) -> list[dict[str, Any]]:
    """Hold floors, by default the shipped ones, against a report: the section `floors`, an entry each in their order.

    What the report cannot show has `why` and no figure.
    """
    return [_entry(floor, report) for floor in (load_floors() if floors is None else floors)]


def _entry(floor: Floor, report: Mapping[str, Any]) -> dict[str, Any]:
    stated = {key: getattr(floor, key) for key in ("name", "sentence", "wanted", "floor", "unit")}
    try:
        found = MEASURES[floor.measure][0](report, floor.on)
    except NotShownError as error:
        return stated | {"why": str(error)}
    return stated | asdict(found) | {"met": floor.is_met_by(found.value)}


def load_floors(path: Path = FLOORS) -> list[Floor]:
    """Read floors from a TOML file; `ValueError` names what makes no sense."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")).get("floor", [])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not TOML ({error})") from error
    floors = [_floor(table, f"{path}: floor {number}") for number, table in enumerate(tables, 1)]
    names = [floor.name for floor in floors]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{path}: {', '.join(twice)} stands twice, wanted a name for each floor")
    return floors


def _floor(table: Mapping[str, Any], where: str) -> Floor:
    for key, value in table.items():
        if key not in KEYS:
            raise ValueError(f"{where}: unknown key {key!r}, wanted one of {', '.join(KEYS)}")
        wanted, kind = ("a number", int | float) if key in BOUNDS else ("a string", str)
        if isinstance(value, bool) or not isinstance(value, kind):
            raise ValueError(f"{where}: {key} is {value!r}, wanted {wanted}")
    if missing := [key for key in ("name", "sentence", "measure") if key not in table]:
        raise ValueError(f"{where}: no {', '.join(missing)}")
    if table["measure"] not in MEASURES:
        raise ValueError(f"{where}: unknown measure {table['measure']!r}, wanted one of {', '.join(MEASURES)}")
    bounds = [key for key in BOUNDS if key in table]
    if len(bounds) != 1:
        raise ValueError(f"{where}: found {' and '.join(bounds) or 'no bound'}, wanted at_least or at_most")
    return Floor(
        name=table["name"],
        sentence=table["sentence"],
        measure=table["measure"],
        on=table.get("on", ""),
        wanted=bounds[0].replace("_", " "),
        floor=float(table[bounds[0]]),
    )
