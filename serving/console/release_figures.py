"""What a release's own report says of it, in the few figures that a page shows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from models.release import REPORT
from serving.console.thresholds import Curve, curve_of


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its 95 % interval."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Stream:
    """What to expect of a stream with so many adverts in it."""

    prevalence: float
    precision: Share
    recall: Share
    false_flags: Share


@dataclass(frozen=True, slots=True)
class Floor:
    """One thing that the release must reach, and whether it does."""

    sentence: str
    bound: str
    floor: float
    value: float | None
    unit: str
    met: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """The report in short; `curve` is None where it has none that can be read."""

    policy: str
    prevalence: float
    threshold: float
    rows: int
    adverts: int
    measured: str
    stream: Stream
    streams: Sequence[Stream]
    floors: Sequence[Floor]
    harm_reduction: Mapping[str, Any]
    curve: Curve | None

    @property
    def floors_met(self) -> int:
        """Count the floors that were reached."""
        return sum(floor.met for floor in self.floors)


def figures(folder: Path) -> Figures | None:
    """Read a release's report; None where it is of a form that this page does not know."""
    path = folder / REPORT
    try:
        return _read(path, path.stat().st_mtime_ns)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return None


@lru_cache(maxsize=32)
def _read(path: Path, _: int) -> Figures:
    report = json.loads(path.read_text(encoding="utf-8"))
    streams = [_stream(each) for each in report["in_use"]]
    policy, harm = report["policy"], report.get("harm_reduction", {})
    return Figures(
        policy=str(policy["label"]),
        prevalence=float(policy["prevalence"]),
        threshold=float(policy["threshold"]),
        rows=int(report["rows"]),
        adverts=int(report["adverts"]),
        measured=str(report["created"])[:10],
        stream=min(streams, key=lambda stream: abs(stream.prevalence - policy["prevalence"])),
        streams=streams,
        floors=[_floor(each) for each in report.get("floors", ())],
        harm_reduction=harm.get("release", {}),
        curve=curve_of(report),
    )


def _stream(each: Mapping[str, Any]) -> Stream:
    ours = each["contenders"]["release"]
    shares = (_share(ours[name]) for name in ("precision", "recall", "false_flag_rate"))
    return Stream(float(each["prevalence"]), *shares)


def _share(figure: Mapping[str, Any]) -> Share:
    return Share(figure.get("value"), figure.get("low"), figure.get("high"))


def _floor(each: Mapping[str, Any]) -> Floor:
    return Floor(
        sentence=str(each["sentence"]),
        bound=str(each["wanted"]),
        floor=float(each["floor"]),
        value=each.get("value"),
        unit=str(each.get("unit", "")),
        met=bool(each.get("met")),
    )
