"""The scorecard of the functional suite as a person reads it at a terminal: one line a functionality."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.bar import Bar
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from training.card_tables import in_words

WIDEST = 110
"""Columns beyond which a line is hard to follow with the eye."""
BAR = 10


def print_scorecard(card: Mapping[str, Any], console: Console) -> None:
    """Print the section `suite` of a report."""
    width = min(console.width, WIDEST)
    console.print(Text(f"{card['target']}: cases right {in_words(card['right'])}", style="bold"))
    console.print(functionality_table(card, width))
    for line in summary(card):
        console.print(Text(line), width=width)


def functionality_table(card: Mapping[str, Any], width: int) -> Table:
    """Draw adverts first, then what must be left alone, then the languages."""
    table = Table(box=SIMPLE_HEAD, width=width, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("")
    table.add_column("functionality", ratio=1, min_width=18, no_wrap=True, overflow="ellipsis")
    table.add_column("label", no_wrap=True, overflow="ellipsis", max_width=14)
    table.add_column("")
    for name in ("right", "cases", "95 %"):
        table.add_column(name, justify="right", no_wrap=True)
    for title, is_advert in (("must be flagged", True), ("must be left alone", False)):
        own = [each for each in card["functionalities"] if each["advert"] == is_advert]
        add_part(table, title, [(each["id"], each["what"], each["intent"], each["right"]) for each in own])
    if len(card["languages"]) > 1:
        add_part(table, "languages", [(lang, "", "", right) for lang, right in card["languages"].items()])
    return table


def add_part(table: Table, title: str, lines: Iterable[tuple[str, str, str, Mapping[str, Any]]]) -> None:
    """Add a heading and its lines; nothing where there are none."""
    for number, (name, what, label, right) in enumerate(lines):
        if not number:
            table.add_row("", Text(title, style="bold"))
        bar = Bar(1.0, 0.0, right["share"], width=BAR, color=colour(right["share"]))
        interval = f"{right['low']:.0%} to {right['high']:.0%}"
        cells = (f"{right['share']:.1%}", f"{right['count']}/{right['of']}", interval)
        table.add_row(name, Text(what), Text(label), bar, *cells)
    table.add_section()


def colour(share: float) -> str:
    """Give a bar's colour: red where a coin would do."""
    return "red" if share <= 0.5 else "yellow" if share < 0.9 else "green"


def summary(card: Mapping[str, Any]) -> list[str]:
    """Say the totals, the pairs, the intents and what is weakest."""
    names = {
        each["id"]: f"{each['what']} ({each['id']}) {each['right']['share']:.1%}" for each in card["functionalities"]
    }
    lines = [
        f"adverts flagged: {in_words(card['adverts'])}",
        f"others flagged: {in_words(card['others'])}",
        f"minimal pairs with every member right: {in_words(card['pairs'])}",
    ]
    if card["intents"]:
        lines.append(f"intent right: {in_words(card['intents']['right'])}")
    weakest = [f"- {names[each]}" for each in card["weakest"]]
    return [*lines, "weakest:" if weakest else "no functionality fails", *weakest, "", f"({card['how']}.)"]
