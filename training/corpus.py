"""Labelled records to rows: understood by their data card, parsed once, refused when they do not fit it."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.verdict import ADVERT_INTENTS, Intent, Kind, Span
from training.cards import Card, CardError, find_card, hub_card
from training.placeholders import fill

Record = Mapping[str, Any]
Read = Callable[[str], Iterable[Record]]
"""Reads one file or hub id as records; `DataError` when it cannot."""


class DataError(ValueError):
    """Data cannot be read or used; the message names the file, what was found and what was wanted."""


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled example. `intents` is what its label allows: one intent, or several for a partial label.

    `spans` is `None` where no author marked them; `group` ties minimal pairs together;
    `quotable` says that a report may show the text.
    """

    id: str
    text: str
    intents: frozenset[Intent]
    source: str
    lang: str | None = None
    spans: tuple[Span, ...] | None = None
    group: str | None = None
    platform: str | None = None
    year: str | None = None
    quotable: bool = False

    @property
    def is_advert(self) -> bool:
        """Tell whether only advert intents are allowed."""
        return self.intents <= ADVERT_INTENTS

    @property
    def may_be_advert(self) -> bool:
        """Tell whether any advert intent is allowed."""
        return bool(self.intents & ADVERT_INTENTS)


@dataclass(frozen=True, slots=True)
class Corpus:
    """The rows of all files, the cards they came under, and how many rows each card left out."""

    rows: list[Row]
    cards: list[Card]
    left_out: dict[str, int]


def load_corpus(data: Sequence[str], *, cards: Path, read: Read) -> Corpus:
    """Load files or hub ids, each under its data card; ids must be unique over all of them."""
    rows: list[Row] = []
    used: list[Card] = []
    left_out: dict[str, int] = {}
    for name in data:
        card = _card(name, cards)
        used.append(card)
        found = [_row(record, card, number) for number, record in enumerate(read(name), start=1)]
        kept = [row for row in found if row is not None]
        left_out[card.name] = left_out.get(card.name, 0) + len(found) - len(kept)
        rows += kept
    _refuse_duplicates(row.id for row in rows)
    if not rows:
        raise DataError(f"{', '.join(data)}: no row was left to use")
    return Corpus(rows, used, left_out)


def is_hub_id(name: str) -> bool:
    """Tell whether a name reads owner/name and is no file."""
    return not Path(name).exists() and not Path(name).suffix and name.count("/") == 1


def _card(name: str, cards: Path) -> Card:
    if is_hub_id(name):
        return hub_card(name, sorted(cards.glob("*/README.md")))
    if not Path(name).is_file():
        raise DataError(f"{name}: no such file (a hub id reads owner/name)")
    return find_card(Path(name), cards)


def _row(record: Mapping[str, Any], card: Card, number: int) -> Row | None:
    """Parse one record; `None` when the card leaves it out."""

    def column(name: str) -> Any:
        return record.get(card.columns.get(name, name))

    def word(name: str) -> str | None:
        value = column(name)  # an empty cell of a CSV file is what a missing key of a JSON object is
        return None if value in (None, "") else str(value)

    where = f"{card.name}, row {number}"
    try:
        intents = card.intents(record)
    except CardError as error:
        raise CardError(f"{where}: {error}") from error
    if intents is None:
        return None
    if card.columns.get("text", "text") not in record:
        raise DataError(f"{where}: no column {card.columns.get('text', 'text')!r}, found {', '.join(record)}")
    text = column("text")
    if not isinstance(text, str) or not text.strip():
        raise DataError(f"{where}: empty or missing text")
    id_ = word("id") or f"{card.name}:{number}"
    if card.fill_placeholders:
        text = fill(text, random.Random(int(hashlib.sha256(id_.encode()).hexdigest()[:16], 16)))
    return Row(
        id=id_,
        text=text,
        intents=intents,
        source=word("source") or card.name,
        lang=word("lang"),
        spans=_spans(column("spans"), text, where),
        group=word("group"),
        platform=word("platform"),
        year=word("year"),
        quotable=card.quotable,
    )


def _spans(value: Any, text: str, where: str) -> tuple[Span, ...] | None:
    """Read a row's spans, which are JSON text in a cell of a CSV file; `None` when nobody marked them."""
    if value is None or value == "":
        return None
    try:
        listed = json.loads(value) if isinstance(value, str) else value
        return tuple(_span(each, text, where) for each in listed)
    except DataError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{where}: found the spans {value!r}, wanted a list of start, end and kind") from error


def _span(values: Mapping[str, Any], text: str, where: str) -> Span:
    start, end = values["start"], values["end"]
    if not 0 <= start < end <= len(text):
        raise DataError(f"{where}: span {start}:{end} is outside the text of {len(text)} code points")
    return Span(start, end, Kind(values["kind"]), text[start:end], obfuscated=bool(values.get("obfuscated")))


def _refuse_duplicates(ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for each in ids:
        if each in seen:
            raise DataError(f"the id {each!r} stands twice in the data: ids must be unique")
        seen.add(each)
