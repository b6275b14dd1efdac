"""Whether a folder of posts is of the form that training takes for granted: fields, words, spans and card.

Reads raw records, so that a wrong one is counted and named rather than ending the check; only what is no JSON ends it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from types import NoneType
from typing import Any

from models.release import sha256
from models.verdict import ADVERT_INTENTS, INTENTS, LANGUAGES, TERM_KINDS, Intent, Kind, Span
from training.cards import Card, CardError, load_card
from training.corpus import DataError, Record, Row
from training.generator.pools import MANNERS

Faults = Mapping[str, Sequence[str]]
"""What is wrong, in words, and the ids or files where it is."""

FIELDS: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("id", "lang", "intent", "manner", "text"), (str,)),
    "pair": (str, NoneType),
    "spans": (list,),
}
SPAN_FIELDS: Mapping[str, tuple[type, ...]] = {"start": (int,), "end": (int,), "kind": (str,), "obfuscated": (bool,)}
MOST_WORDS = 220
"""The generator stops at 200 and hashtags may follow; a longer text is an article, no post."""
FIRST = 10
"""Ids that are named of each fault: enough to start mending."""
MAY_OFFER = ADVERT_INTENTS
"""Whose posts may have spans of an offer (price, quantity, contact, payment, shipping); others mark drugs alone."""
MALFORMED = "fields missing, unknown or of the wrong type"


def folder_card(folder: Path) -> Card:
    """Read the card of a corpus folder; `CardError` when there is none."""
    path = folder / "README.md"
    card = load_card(path) if path.is_file() else None
    if card is None:
        raise CardError(f"{path}: no data card there, wanted one that lists the parts under npsight.files")
    return card


def read_parts(folder: Path) -> dict[str, list[Record]]:
    """Read each `*.jsonl` of the folder as records, by the part's name; `DataError` names a line that is none."""
    parts = {path.stem: list(read_records(path)) for path in sorted(folder.glob("*.jsonl"))}
    if not parts:
        raise DataError(f"{folder}: no part there, wanted files such as train.jsonl")
    return parts


def read_records(path: Path) -> Iterator[Record]:
    """Read a JSONL file's objects; `DataError` names a line that is none."""
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        if line:
            try:
                record = json.loads(line)
            except ValueError as error:
                raise DataError(f"{path}:{number}: not JSON ({error})") from error
            if not isinstance(record, dict):
                raise DataError(f"{path}:{number}: found a {type(record).__name__}, wanted an object")
            yield record


def schema_check(folder: Path, card: Card, parts: Mapping[str, Sequence[Record]]) -> dict[str, Any]:
    """Count what is wrong with the records and with what the card says of their files."""
    found: dict[str, list[str]] = {}
    for name, records in parts.items():
        for number, record in enumerate(records, start=1):
            for fault in record_faults(record):
                found.setdefault(fault, []).append(str(record.get("id") or f"{name}:{number}"))
    counted = Counter(str(record.get("id")) for records in parts.values() for record in records)
    found["id not unique"] = [id_ for id_, count in counted.items() if count > 1]
    for name, fault in card_faults(folder, card, parts):
        found.setdefault(f"card: {fault}", []).append(name)
    return {"rows": sum(map(len, parts.values())), **verdict_on(found)}


def verdict_on(found: Faults) -> dict[str, Any]:
    """Say whether nothing was found, else how often each fault and where first."""
    faults = {fault: {"count": len(ids), "first": list(ids[:FIRST])} for fault, ids in sorted(found.items()) if ids}
    return {"passes": not faults, "faults": faults}


def record_faults(record: Record) -> list[str]:
    """Say what is wrong with one record."""
    return [*word_faults(record), *span_faults(record)] if is_typed(record) else [MALFORMED]


def is_typed(record: Record) -> bool:
    """Tell whether a record and its spans have the fields that they must, and no others."""
    return typed(record, FIELDS) and all(typed(span, SPAN_FIELDS) for span in record["spans"])


def typed(values: Any, fields: Mapping[str, tuple[type, ...]]) -> bool:
    """Tell whether an object has just these fields, each of one of its types; `True` is no number here."""
    return (
        isinstance(values, dict)
        and values.keys() == fields.keys()
        and all(type(values[name]) in types for name, types in fields.items())
    )


def word_faults(record: Record) -> Iterator[str]:
    """Say which words a record has that nobody knows, and whether its text is too short or too long."""
    known = {"intent": INTENTS, "lang": LANGUAGES, "manner": [manner for manner, _ in MANNERS]}
    yield from (f"unknown {field}" for field, words in known.items() if record[field] not in words)
    words = len(record["text"].split())
    if not words or words > MOST_WORDS:
        yield "no text" if not words else f"more than {MOST_WORDS} words"


def span_faults(record: Record) -> Iterator[str]:
    """Say what is wrong with a record's spans, each fault once."""
    text, spans = record["text"], record["spans"]
    if not all(0 <= span["start"] < span["end"] <= len(text) for span in spans):
        yield "span empty or outside the text"
    if any(one["end"] > other["start"] for one, other in pairwise(spans)):
        yield "spans not sorted, or overlapping"
    surfaces = [text[span["start"] : span["end"]] for span in spans]
    if any(surface != surface.strip() for surface in surfaces):
        yield "span with outer spaces"
    kinds = {span["kind"] for span in spans}
    if not kinds <= set(Kind):
        yield "unknown kind of span"
    elif record["intent"] not in MAY_OFFER and not kinds <= TERM_KINDS:
        yield "span of an offer in a post that is no advert"


def card_faults(folder: Path, card: Card, parts: Mapping[str, Sequence[Record]]) -> Iterator[tuple[str, str]]:
    """Yield (file, fault) where the card and the files differ."""
    files = {f"{name}.jsonl": records for name, records in parts.items()}
    yield from ((name, "lists a part that is not there") for name in card.files if name not in files)
    for name, records in files.items():
        facts = card.files.get(name)
        if facts is None:
            yield name, "does not list the part"
            continue
        if facts.get("sha256") != sha256(folder / name):
            yield name, "another checksum"
        if facts.get("rows") != len(records):
            yield name, "another count of rows"


def readable(parts: Mapping[str, Iterable[Record]]) -> list[Row]:
    """Give the records that can be read as rows, whose `source` is the part: the other checks see these alone."""
    return [
        row(record, part)
        for part, records in parts.items()
        for record in records
        if is_typed(record) and record["intent"] in set(INTENTS)
    ]


def row(record: Record, part: str) -> Row:
    """Parse one record; a span that is wrong is left out, having been counted."""
    text = record["text"]
    spans = (
        Span(each["start"], each["end"], Kind(each["kind"]), text[each["start"] : each["end"]], each["obfuscated"])
        for each in record["spans"]
        if each["kind"] in set(Kind) and 0 <= each["start"] < each["end"] <= len(text)
    )
    return Row(
        id=record["id"],
        text=text,
        intents=frozenset({Intent(record["intent"])}),
        source=part,
        lang=record["lang"],
        spans=tuple(spans),
        group=record["pair"],
        platform=record["manner"],
        quotable=True,
    )
