"""`report.json` as one page of HTML that needs no network and no script: a view, which computes only its layout."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import ChainableUndefined, Environment, FileSystemLoader
from markupsafe import Markup, escape

from training.evaluation.chart_style import in_order
from training.evaluation.floors import floors_of
from training.evaluation.pictures import Picture, Report, part, pictures
from training.evaluation.words import (
    figure_cell,
    in_use_sentence,
    is_number,
    number,
    one_in,
    percent,
    rate_cell,
    reason,
    short,
    stated,
    whys,
)

SLICE_KINDS = {
    "intent": "intent",
    "class": "substance class",
    "lang": "language",
    "written": "language of the posts that authors marked",
    "named": "the drug words that an author marked",
    "listed term": "listed terms in the post",
    "pair": "minimal pairs",
}

TABLE = 3  # slices of a kind that are worth a table of their own


@dataclass(frozen=True, slots=True)
class Note:
    """A footnote of a section: its number, and the id that its marks point to."""

    number: int
    anchor: str


def write_page(report: Report, path: Path) -> None:
    """Write the page of a report; parts that it does not hold, or holds only a reason for, are said to be missing."""
    path.write_text(page(report, pictures(report)), encoding="utf-8")


def page(report: Report, drawn: Sequence[Picture]) -> str:
    """Fill the template. The same report gives the same page."""
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            report={"floors": floors_of(report), **report},
            names=contender_names(report),
            sentence=in_use_sentence(at_policy(report)),
            pictures=[(each, Markup(each.svg)) for each in drawn],  # our own drawing: its letters are escaped in it
            picture_notes=footnotes(part(report, "curves"), "pictures"),
            kinds=slices_by_kind(part(report, "slices")),
        )
    )


def at_policy(report: Report) -> Any:
    """Give the entry of `in_use` nearest to the policy's prevalence, the first without one; `None` without entries."""
    entries = [each for each in mappings(report.get("in_use")) if is_number(each.get("prevalence"))]
    wanted = part(report, "policy", "prevalence")
    if not (is_number(wanted) and wanted > 0):
        return next(iter(entries), None)
    return min(entries, key=lambda each: abs(math.log(max(each["prevalence"], 1e-12) / wanted)), default=None)


def contender_names(report: Report) -> list[str]:
    """List whoever answers in the report, the release first."""
    named = [report.get("contenders"), part(at_policy(report), "contenders"), part(report, "slices", "all")]
    found = [name for each in named if not reason(each) and isinstance(each, Mapping) for name in each]
    return in_order(dict.fromkeys(found)) or ["release"]


def slices_by_kind(slices: Any) -> dict[str, list[tuple[str, Any]]]:
    """Group slices by what stands before the colon: kind to (name within it, its rates); small kinds stand together."""
    kinds: dict[str, list[tuple[str, Any]]] = {}
    for name, rates in pairs(slices):
        kind, _, value = name.partition(":")
        if value:
            kinds.setdefault(kind, []).append((value, rates))
    rest = [
        (f"{SLICE_KINDS.get(kind, kind)}: {value}", rates)
        for kind, rows in kinds.items()
        if len(rows) < TABLE
        for value, rates in rows
    ]
    large = {SLICE_KINDS.get(kind, kind): rows for kind, rows in kinds.items() if len(rows) >= TABLE}
    return large | ({"other marks": rest} if rest else {})


def difference_rows(differences: Any) -> list[tuple[str, dict[str, Any]]]:
    """Give slice to contender to differences: the report has the contenders outside."""
    rows: dict[str, dict[str, Any]] = {}
    for who, slices in pairs(differences):
        for name, each in pairs(slices):
            rows.setdefault(name, {})[who] = each
    return list(rows.items())


def minus(who: str) -> tuple[str, int]:
    """Name the two columns of a difference."""
    return f"release minus {who}", 2


def footnotes(data: Any, section: str) -> dict[str, Note]:
    """Number the reasons inside a section."""
    return {why: Note(place, f"{section}-note-{place}") for place, why in enumerate(whys(data), 1)}


def unshown(notes: Mapping[str, Note], body: str) -> list[tuple[str, Note]]:
    """Give the footnotes that a section's text refers to, or says nothing of."""
    return [(why, note) for why, note in notes.items() if f'"#{note.anchor}"' in body or str(escape(why)) not in body]


def sure(figure: Any) -> bool:
    """Tell whether the interval of a difference leaves out 0."""
    if not isinstance(figure, Mapping):
        return False
    low, high = figure.get("low"), figure.get("high")
    return is_number(low) and is_number(high) and (low > 0 or high < 0)


def mappings(values: Any) -> list[Mapping[str, Any]]:
    """Give the entries of a list; none where a reason stands in its place."""
    return [each for each in values if isinstance(each, Mapping)] if isinstance(values, list | tuple) else []


def pairs(values: Any) -> list[tuple[str, Any]]:
    """Give names and values of a mapping; none where a reason stands in its place."""
    return list(values.items()) if isinstance(values, Mapping) and not reason(values) else []


def scalars(values: Any) -> list[tuple[str, str]]:
    """Give the plain numbers and words of a mapping under readable names."""
    kept = [(key, value) for key, value in pairs(values) if isinstance(value, int | float | str) and key != "why"]
    return [(key.replace("_", " "), number(value) if is_number(value) else str(value)) for key, value in kept]


def width(share: Any) -> str:
    """Give the width of a bar in CSS; nothing where the share is not known."""
    return f"{100 * min(max(share, 0), 1):.1f}%" if is_number(share) else "0"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=ChainableUndefined,  # a missing part is shown as a dash, at any depth
        trim_blocks=True,
        lstrip_blocks=True,
    )
    said = (figure_cell, rate_cell, percent, number, short, stated, one_in, reason)
    shaped = (difference_rows, footnotes, mappings, minus, pairs, scalars, sure, unshown, width)
    environment.filters |= {each.__name__: each for each in (*said, *shaped)}
    return environment
