"""The data card without which no row is trained on: a Hugging Face dataset card whose front matter
has an `npsight` table that says which columns and labels mean what.

    npsight:
      files: {train.jsonl: {sha256: ..., rows: 1265}}
      columns: {label: intent, source: src}      # our word: the file's word, where they differ
      labels:                                      # the first rule that holds gives the allowed intents
        - {when: {label: drug_ad, src: "agora_*"}, intents: [sell]}
        - {when: {label: not_ad}, intents: not_advert}
      leave_out: [{licence: research-only}]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from models.release import sha256
from models.verdict import ADVERT_INTENTS, INTENTS, Intent

COLUMNS = ("id", "text", "label", "lang", "source", "spans", "group", "platform", "year", "licence")
NOT_ADVERT = frozenset(INTENTS) - ADVERT_INTENTS
GROUPS = {"advert": ADVERT_INTENTS, "not_advert": NOT_ADVERT}
Rule = Mapping[str, Any]


class CardError(ValueError):
    """A data card is missing or does not say what it must; the message says which and what was wanted."""


@dataclass(frozen=True, slots=True)
class Card:
    """What a data set is, where from, under which licence, and how its columns and labels read."""

    path: Path
    name: str
    licence: str
    files: Mapping[str, Mapping[str, Any]]
    columns: Mapping[str, str] = field(default_factory=dict)
    labels: Sequence[Rule] = ()
    leave_out: Sequence[Rule] = ()
    fill_placeholders: bool = False
    quotable: bool = False
    """Whether a report may show the text: only where we wrote it or its authors let us."""

    def intents(self, row: Mapping[str, Any]) -> frozenset[Intent] | None:
        """Give the intents that the row's label allows; `None` when the card leaves the row out."""
        if any(matches(row, rule) for rule in self.leave_out):
            return None
        for rule in self.labels:
            if matches(row, rule["when"]):
                return allowed(rule["intents"])
        return None if self.labels else allowed(row.get(self.columns.get("label", "label")))


def matches(row: Mapping[str, Any], rule: Rule) -> bool:
    """Tell whether each column of the rule has one of the rule's values (`*` as in file names)."""
    for column in rule:
        if column not in row:  # a misspelt rule would leave out nothing
            raise CardError(f"a rule names the column {column!r}, found {', '.join(row)}")
    return all(
        any(fnmatchcase(str(row[column]), str(pattern)) for pattern in _several(patterns))
        for column, patterns in rule.items()
    )


def allowed(label: Any) -> frozenset[Intent]:
    """Read a label: an intent, `advert`, `not_advert`, several joined by `|`, or a list of these."""
    names = label.split("|") if isinstance(label, str) else label
    if not isinstance(names, list | tuple) or not names:
        raise CardError(f"found no label ({label!r}), wanted an intent, advert or not_advert")
    found: set[Intent] = set()
    for name in names:
        if name not in GROUPS and name not in set(INTENTS):
            raise CardError(f"found the label {name!r}, wanted one of {', '.join([*INTENTS, *GROUPS])}")
        found |= GROUPS.get(name) or {Intent(name)}
    return frozenset(found)


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def load_card(path: Path) -> Card | None:
    """Read a card's front matter; `None` when it describes no rows of ours, `CardError` when it does so badly."""
    parts = path.read_text(encoding="utf-8").split("---\n")
    if len(parts) < 3 or parts[0].strip():
        return None
    try:
        front = yaml.safe_load(parts[1]) or {}
    except yaml.YAMLError as error:
        raise CardError(f"{path}: the front matter is not YAML ({error})") from error
    if not isinstance(front, dict) or "npsight" not in front:
        return None
    ours = front["npsight"]
    if not isinstance(ours, dict) or not isinstance(ours.get("files"), dict) or "license" not in front:
        raise CardError(f"{path}: wanted `license`, and `files` under `npsight`, in the front matter")
    unknown = set(ours) - {"files", "columns", "labels", "leave_out", "fill_placeholders", "quotable"}
    if unknown:
        raise CardError(f"{path}: unknown keys under npsight: {', '.join(sorted(unknown))}")
    if fault := _shape_fault(ours):
        raise CardError(f"{path}: {fault}")
    return Card(path=path, name=path.parent.name, licence=str(front["license"]), **ours)


def _shape_fault(ours: Mapping[str, Any]) -> str | None:
    """Say what in a card's table is not of the shape that `Card` and its rules take for granted."""
    plain = [name for name, facts in ours["files"].items() if not isinstance(facts, dict)]
    if plain:
        return f"wanted a table for {', '.join(map(str, plain))}, such as {{sha256: ..., rows: ...}}"
    columns, labels, leave_out = ours.get("columns", {}), ours.get("labels", []), ours.get("leave_out", [])
    if not isinstance(columns, dict) or not set(columns) <= set(COLUMNS):
        return f"unknown columns: {', '.join(sorted(set(columns) - set(COLUMNS)))}, wanted some of {', '.join(COLUMNS)}"
    if not all(
        isinstance(rules, list) and all(isinstance(rule, dict) for rule in rules) for rules in (labels, leave_out)
    ):
        return "wanted labels and leave_out as lists of tables"
    if not all(set(rule) == {"when", "intents"} and isinstance(rule["when"], dict) for rule in labels):
        return "wanted each of labels as {when: ..., intents: ...}"
    if not all(isinstance(ours.get(name, False), bool) for name in ("fill_placeholders", "quotable")):
        return "wanted fill_placeholders and quotable as true or false"
    return None


def find_card(data: Path, cards: Path) -> Card:
    """Find the card that names the file and its checksum: beside it, else in the folder of cards."""
    others: list[str] = []
    for path in (data.parent / "README.md", *sorted(cards.glob("*/README.md"))):
        card = load_card(path) if path.is_file() else None
        if card is not None and data.name in card.files:
            wanted = card.files[data.name].get("sha256")
            if wanted is None or wanted == sha256(data):
                return card
            others.append(f"{path} has that name with another checksum ({wanted}, found {sha256(data)})")
    hint = "; ".join(dict.fromkeys(others)) or "write a README.md beside it (docs/data.md shows one)"
    raise CardError(f"{data}: no data card names it, and no row is used without one: {hint}")


def hub_card(name: str, cards: Iterable[Path]) -> Card:
    """Find the card that names a hub data set by its id."""
    for path in cards:
        card = load_card(path)
        if card is not None and name in card.files:
            return card
    raise CardError(f"{name}: no data card lists this hub id under npsight.files")
