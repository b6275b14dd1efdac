"""How charts look and how they become SVG that sits in a page: one drawing for light, dark and paper.

Colours are drawn as stand-ins and become CSS variables; letters stay letters, in the page's own font.
Matplotlib's settings are changed for one drawing and put back: nothing global stays.
"""

from __future__ import annotations

import io
import math
import re
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from training.evaluation.words import is_number, percent, stated

Floats = NDArray[np.float64]
INK, MUTED, RULE, PAPER = "#010101", "#020202", "#030303", "#040404"
SERIES = ("#0a0101", "#0a0102", "#0a0103", "#0a0104", "#0a0105")
VARIABLES = {INK: "currentColor", MUTED: "var(--muted)", RULE: "var(--rule)", PAPER: "var(--paper)"} | {
    stand_in: f"var(--c{place})" for place, stand_in in enumerate(SERIES, 1)
}
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1.2, 1.6)), (0, (7, 2, 1.2, 2)), (0, (3, 3)))
MARKERS = ("o", "s", "^", "D", "v")
ORDER = ("release", "baseline", "lexicon")
WIDTH = 440 / 72  # inches: at this width letters of 10.5 points are read on a telephone and beside a second chart
LEAST_SHARE = 1e-5  # a false-flag axis ends here when the report names no floor
LABEL = 30  # letters of a label, before it is cut
KEY = 18  # letters of a name in a legend

SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "npsight",  # the same report gives the same bytes
    "text.parse_math": False,  # a name with two dollar signs is a name
    "font.size": 10.5,
    "axes.labelsize": 10.5,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "legend.fontsize": 10,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.handlelength": 2.4,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}


class NothingToDrawError(ValueError):
    """A part of a report is there and holds no point; its words say what is missing."""


def sheet(height: float, **layout: Any) -> tuple[Figure, Any]:
    """Give an empty figure of `height` points and its axes; `layout` as for `Figure.subplots`."""
    figure = Figure(figsize=(WIDTH, height / 72), layout="constrained")
    return figure, figure.subplots(**layout)


def quiet(axes: Axes, *, grid: str = "both") -> None:
    """Draw thin rules behind the data along `grid`."""
    axes.set_axisbelow(True)
    axes.grid(True, axis=grid)  # type: ignore[arg-type]


def in_order(names: Iterable[str]) -> list[str]:
    """Order contenders: the release, the baseline, the lexicon, then the others as they come."""
    found = list(names)
    return [name for name in ORDER if name in found] + [name for name in found if name not in ORDER]


def contenders_of(part: Mapping[str, Any], *keys: str) -> dict[str, Mapping[str, Any]]:
    """Give the contenders of a part that hold a value under all of `keys`, in order."""
    kept = {
        name: value
        for name, value in part.items()
        if isinstance(value, Mapping) and all(value.get(key) not in (None, []) for key in keys)
    }
    return {name: kept[name] for name in in_order(kept)}


def place_of(name: str, names: Iterable[str]) -> int:
    """Give the place in the palette: the three house contenders keep theirs whoever else is there."""
    others = [each for each in names if each not in ORDER]
    place = ORDER.index(name) if name in ORDER else len(ORDER) + others.index(name)
    return place % len(SERIES)


def label(name: object, most: int = LABEL) -> str:
    """Cut a name in its middle to what fits beside an axis, without control characters."""
    shown = "".join(letter for letter in str(name) if unicodedata.category(letter)[0] != "C")
    tail = most // 2 - 1  # names of one source differ at their end
    return shown if len(shown) <= most else f"{shown[: most - tail - 1]}…{shown[-tail:]}"


def need(found: Any, otherwise: str) -> None:
    """Refuse to draw nothing."""
    if not found:
        raise NothingToDrawError(otherwise)


def floats(values: Any) -> Floats:
    """Give values as (values,), NaN for what is no number."""
    return np.array([value if is_number(value) else np.nan for value in values], dtype=np.float64)


def is_rate(value: Any) -> bool:
    """Tell a rate that has a share."""
    return isinstance(value, Mapping) and is_number(value.get("share"))


def share_axis(*sides: Any) -> None:
    """Label axes that run from none to all."""
    for side in sides:
        side.set_ticks([0, 0.25, 0.5, 0.75, 1])
        side.set_major_formatter(lambda value, _: stated(value))


def log_share_axis(axes: Axes, low: float, high: float) -> None:
    """Make the lower axis logarithmic, from `low` to `high`, with plain words at the powers of ten."""
    axes.set_xscale("log")
    powers = [10.0**power for power in range(math.ceil(math.log10(low) + 0.3), 1)]  # 0.3: room for the floor's own tick
    ticks = [low, *powers]
    axes.set_xticks(ticks, [percent(low), *map(stated, powers)])
    axes.set_xticks([], minor=True)
    axes.set_xlim(low, high)


def svg(draw: Callable[[], Figure], *, key: str, title: str, words: str) -> str:
    """Draw, and give an `<svg>` for the inside of a page; `key` keeps its ids apart from those of other charts."""
    buffer = io.StringIO()
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # the page's fonts, not Matplotlib's, show the letters
        warnings.filterwarnings("ignore", message="constrained_layout")  # a chart full of names is still a chart
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        draw().savefig(buffer, format="svg", metadata={"Date": None})
    drawing = buffer.getvalue()
    view = re.search(r'viewBox="([^"]+)"', drawing)
    body = drawing[drawing.index(">", drawing.index("<svg")) + 1 :]
    body = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r'style="[^"]*"', _in_variables, body).replace("xlink:href", "href")
    named = escape(title, quote=True)
    head = f'<svg viewBox="{view.group(1) if view else ""}" role="img" aria-label="{named}"'
    return f"{head}><desc>{escape(words)}</desc>{_own_ids(body, key).strip()}"


def _in_variables(style: re.Match[str]) -> str:
    shown = re.sub(r"#[0-9a-f]{6}", lambda colour: VARIABLES.get(colour[0], colour[0]), style[0])
    return re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", shown)  # the family is the page's


def _own_ids(body: str, key: str) -> str:
    """Drop ids that nothing refers to, and put `key` before the rest."""
    used = set(re.findall(r'(?:href="|url\()#([^")]+)', body))
    body = re.sub(r' id="([^"]*)"', lambda found: f' id="{key}-{found[1]}"' if found[1] in used else "", body)
    return re.sub(r'(href="|url\()#', rf"\1#{key}-", body)
