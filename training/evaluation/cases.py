"""The cases of the functional suite, and its card's table of functionalities, read and checked."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.verdict import ADVERT_INTENTS, INTENTS, Intent
from training.corpus import DataError

CASES, CARD = "cases.jsonl", "README.md"
ROW = re.compile(r"\|\s*([A-Z]+\d+)\s*\|([^|]+)\|([^|]+)\|\s*")
FIELDS = ("id", "text", "lang", "functionality", "intent")


@dataclass(frozen=True, slots=True)
class Case:
    """One case; `pair` ties an advert to its innocent twins."""

    id: str
    text: str
    lang: str
    functionality: str
    intent: Intent
    pair: str | None = None

    @property
    def is_advert(self) -> bool:
        """Tell whether it must be flagged."""
        return self.intent in ADVERT_INTENTS


@dataclass(frozen=True, slots=True)
class Functionality:
    """One thing that is tested, and the label that its cases bear, in the card's words."""

    id: str
    what: str
    label: str


def load_functionalities(folder: Path) -> dict[str, Functionality]:
    """Read the rows `| A01 | what | label |` of the suite's card."""
    path = folder / CARD
    rows = [ROW.fullmatch(line) for line in _lines(path)]
    listed = [Functionality(*(cell.strip() for cell in row.groups())) for row in rows if row]
    twice = [name for name, times in Counter(each.id for each in listed).items() if times > 1]
    if twice or not listed:
        found = f"{twice[0]} twice" if twice else "none"
        raise DataError(f"{path}: found {found}, wanted one row `| A01 | what | label |` for each functionality")
    return {each.id: each for each in listed}


def load_cases(folder: Path) -> list[Case]:
    """Read and check the suite's cases; `DataError` names the line, what was found and what was wanted."""
    path = folder / CASES
    cases = [_case(line, f"{path}, line {number}") for number, line in enumerate(_lines(path), start=1) if line.strip()]
    if not cases:
        raise DataError(f"{path}: no case in it")
    _check(cases, load_functionalities(folder), path)
    return cases


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise DataError(f"{path}: no such file, wanted a folder with {CASES} and its card {CARD}")
    try:
        return path.read_text(encoding="utf-8").split("\n")  # a text may hold other line ends
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 ({error})") from error


def _case(line: str, where: str) -> Case:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise DataError(f"{where}: not JSON ({error})") from error
    if not isinstance(record, dict):
        raise DataError(f"{where}: found a {type(record).__name__}, wanted an object")
    for name in FIELDS:
        if not isinstance(record.get(name), str) or not record[name].strip():
            raise DataError(f"{where}: {name} is {record.get(name)!r}, wanted a string that is not empty")
    if record["intent"] not in set(INTENTS):
        raise DataError(f"{where}: intent is {record['intent']!r}, wanted one of {', '.join(INTENTS)}")
    pair = record.get("pair")
    if pair is not None and not isinstance(pair, str):
        raise DataError(f"{where}: pair is {pair!r}, wanted a string or nothing")
    known = {name: record[name] for name in FIELDS} | {"intent": Intent(record["intent"])}
    return Case(**known, pair=pair or None)


def _check(cases: Sequence[Case], listed: dict[str, Functionality], path: Path) -> None:
    """Refuse ids that stand twice, functionalities that the card does not list, and any that tests both sides."""
    ids: set[str] = set()
    sides: dict[str, bool] = {}
    for case in cases:
        if case.id in ids:
            raise DataError(f"{path}: the id {case.id!r} stands twice")
        ids.add(case.id)
        if case.functionality not in listed:
            raise DataError(f"{path}: {case.id} tests {case.functionality!r}, which {CARD} does not list")
        if sides.setdefault(case.functionality, case.is_advert) != case.is_advert:
            raise DataError(f"{path}: {case.id}: {case.functionality} has adverts and others, wanted one side only")


def choose(cases: Sequence[Case], *, langs: Sequence[str], only: Sequence[str]) -> list[Case]:
    """Keep the cases of some languages and functionalities, each given alone or joined by commas; none given is all."""
    wanted = {"lang": split_words(langs), "functionality": split_words(only)}
    for field, names in wanted.items():
        known = sorted({getattr(case, field) for case in cases})
        if unknown := sorted(names - set(known)):
            raise DataError(f"no case has the {field} {unknown[0]!r}, wanted some of {', '.join(known)}")
    kept = [
        case
        for case in cases
        if all(getattr(case, field) in (names or [getattr(case, field)]) for field, names in wanted.items())
    ]
    if not kept:
        raise DataError(f"no case has both: {', '.join(sorted(wanted['lang'] | wanted['functionality']))}")
    return kept


def split_words(words: Sequence[str]) -> set[str]:
    """Read names that stand alone or are joined by commas."""
    return {name.strip() for each in words for name in each.split(",") if name.strip()}
