"""Say what a listed name is: our own classes and statuses, and the decisions taken by hand that overrule them.

The lists' own groups are not used: a fifth of them are empty or wrong. `hand.tsv` holds the hand decisions, so that a
chemist can mend one without reading code.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from models.naming import class_of
from models.spelling import fold
from models.verdict import NpsClass, Status
from training.lexicon_sources import Entry, Saying

GOVERNMENT = frozenset({"dea", "dod", "ondcp"})
# Ours, or derived from a list already counted: neither confirms anything.
DEPENDENT = frozenset({"manual", "hand", "slang2020s", "multilingual", "emoji", "strains", "darkweb"})
SHARE_ALIKE = frozenset({"psychonautwiki"})
RULES = frozenset(
    {"class", "drop", "same", "split", "unalias", "means", "reads", "keep", "clear", "doubt", "add", "innocent"}
)

_CLASS_WORDS: tuple[tuple[NpsClass, str], ...] = (
    (
        NpsClass.SYNTHETIC_CANNABINOIDS,
        r"cannabinoid \(synthetic\)|(?<!semi )synthetic[ -]cannabinoid|indazolecarbox|indolecarbox|naphthoylind",
    ),
    (NpsClass.SEMI_SYNTHETIC_CANNABINOIDS, r"semi synthetic cannabinoid"),
    (NpsClass.CATHINONES, r"cathinone|pyrrolidinophenone"),
    (NpsClass.LYSERGAMIDES, r"lysergamide"),
    (NpsClass.TRYPTAMINES, r"tryptamine"),
    (NpsClass.ARYLCYCLOHEXYLAMINES, r"arylcyclohexyl"),
    (NpsClass.BENZODIAZEPINES, r"benzodiazepine|thienodiazepine|thienotriazolo"),
    (NpsClass.OPIOIDS, r"opioid|nitazene|fentanyl"),
    (NpsClass.AMINOINDANES, r"aminoindane"),
    (NpsClass.PIPERAZINES, r"piperazine"),
    (NpsClass.PIPERIDINES_PYRROLIDINES, r"phenidate|pipradrol|benzylpiperidine|phenylalkylpyrrolidine"),
    (
        NpsClass.ARYLALKYLAMINES,
        r"benzofuran|phenmetrazine|phenylmorpholine|diarylethylamine|naphthylaminopropane|thiophene",
    ),
    (NpsClass.PHENETHYLAMINES, r"phenethylamine|amphetamine|2c-x|dox\b|scaline|mdxx|nbome|entactogen"),
    (NpsClass.MEDICINES, r"barbiturate|z-drug|gabapentinoid|quinazolinone|eugeroic|modafinil"),
)
_STEROID = re.compile(
    r"andro|estra-|estr-4|testost|nandrol|bolone|bolasterone|stanozol|trenb|sterone|drostan|stenol|estrenol|clostebol|"
    r"mibolerone|norbolet|oxandro|oxymetholone|prostanoz|furazabol|formebolone|formestane|testolactone|methandri|methandien|"
    r"boldione|boldenone|metheno|mesterolone|mestanolone|gon-4-en|epistane|halodrol|oxyguno|calusterone|mebolazine|mentabolan|desoxymethyl|exemestane|trienolone|dienolone|gestrinone"
)
# Reference isomers, dosage forms and precursors are entries of a schedule, not names anyone sells under.
_NO_NAME = re.compile(
    r"isomer|analog\b|homolog|intermediate|preparation|combination product|/du|dosage form|excepted|approved for",
    re.IGNORECASE,
)
# What a national schedule makes of a class: scheduled for medical use means a medicine, not an NPS.
_MEDICAL = re.compile(r"\bschedule (ii|iii|iv|v)\b(?!\w)")
_MEDICINE_IF_SCHEDULED = frozenset(
    {
        NpsClass.BENZODIAZEPINES,
        NpsClass.OPIOIDS,
        NpsClass.PHENETHYLAMINES,
        NpsClass.CATHINONES,
        NpsClass.PIPERIDINES_PYRROLIDINES,
        None,
    }
)


class Hand:
    """The decisions of `hand.tsv`, by rule: key -> (value, detail) pairs."""

    def __init__(self, rows: Iterable[tuple[str, str, str, str]]) -> None:
        self._rules: dict[str, dict[str, list[tuple[str, str]]]] = defaultdict(lambda: defaultdict(list))
        self.added: list[tuple[str, str, str]] = []  # (surface, substance, language), as written
        self.innocent: list[str] = []  # phrases that hold a term and mean no drug
        for rule, key, value, detail in rows:
            self._rules[rule][fold(key)].append((value, detail))
            if rule == "add":
                self.added.append((key, value, detail))
            elif rule == "innocent":
                self.innocent.append(key)

    @classmethod
    def load(cls, path: Path) -> Hand:
        """Read the TSV `rule, key, value, detail`."""
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]
        for number, row in enumerate(rows, 2):
            if len(row) != 4 or row[0] not in RULES:
                raise ValueError(
                    f"{path.name}, line {number}: found {row}, wanted four fields and a rule of {sorted(RULES)}"
                )
        return cls((rule, key, value, detail) for rule, key, value, detail in rows)

    def all(self, rule: str, key: str) -> list[tuple[str, str]]:
        """Return every (value, detail) of a rule and key."""
        return self._rules[rule].get(fold(key), [])

    def one(self, rule: str, key: str) -> str | None:
        """Return the value of a rule and key, or None."""
        found = self.all(rule, key)
        return found[0][0] if found else None

    def meaning(self, saying: Saying) -> str | None:
        """Return the substance that a slang list's drug words mean, or None where they mean none of ours.

        The ONDCP list mixes names with acts, amounts and gear ("house fee"): of what it alone holds, only what was kept
        by hand.
        """
        if saying.sources <= {"ondcp", "dope"} and self.one("keep", saying.surface) is None:
            return None
        lang = "emoji" if saying.lang == "*" else saying.lang
        reading = self.one("reads", f"{lang}:{saying.surface}")
        if reading is not None:
            return reading or None
        parts = [saying.meaning, *saying.meaning.split(";"), re.sub(r"\(.*", "", saying.meaning)]
        return next((found for part in parts if (found := self.one("means", part.strip()))), None)


def substances(found: Iterable[Entry], hand: Hand) -> dict[str, Entry]:
    """Merge what the lists hold into one entry a substance, keyed by its folded canonical name."""
    merged: dict[str, Entry] = {}
    for entry in found:
        if _NO_NAME.search(entry.name):
            continue
        for part in _parts(entry, hand):
            key = fold(part.name)
            whole = merged.setdefault(key, Entry(part.name, []))
            whole.aliases += [alias for alias in part.aliases if alias not in whole.aliases]
            whole.words += "; " + part.words
            whole.rows += part.rows
            whole.sources |= part.sources
    return merged


def _parts(entry: Entry, hand: Hand) -> Iterable[Entry]:
    """Yield the substances that one row of a list mixes up, under their canonical names and without wrong aliases."""
    wrong = {fold(value) for value, _ in hand.all("unalias", entry.name)}
    for new, surfaces in hand.all("split", entry.name):
        taken = [surface.strip() for surface in surfaces.split(" | ")]
        wrong |= {fold(surface) for surface in taken}
        yield Entry(new, [new, *taken], entry.words, set(entry.sources), [new])
    name = hand.one("same", entry.name) or plain(entry.name)
    aliases = [alias for alias in (name, entry.name, *entry.aliases) if fold(alias) not in wrong]
    yield Entry(name, aliases, entry.words, set(entry.sources), [entry.name])


def plain(name: str) -> str:
    """Write an ordinary name in lower case, without its formula: `Cocaine`, but not `MDMA`."""
    name = re.sub(r" [(\[].*$", "", name)
    return name.lower() if re.fullmatch(r"[A-Z][a-z]+([ -][A-Z]?[a-z]+)*", name) else name


def classed(entry: Entry, hand: Hand) -> NpsClass | None:
    """Return our class for a substance, or None where it is out of scope."""
    names = (entry.name, *entry.rows)
    if any(hand.one("drop", name) is not None for name in names):
        return None
    by_hand = next(filter(None, (hand.one("class", name) for name in names)), None)
    return NpsClass(by_hand) if by_hand else _by_rule(entry)


def _by_rule(entry: Entry) -> NpsClass | None:
    if _STEROID.search(entry.name.lower()):
        return NpsClass.OTHER
    by_name = class_of(entry.name) or next(filter(None, map(class_of, entry.aliases)), None)
    nps_class = by_name or next((one for one, words in _CLASS_WORDS if re.search(words, entry.words)), None)
    if _MEDICAL.search(entry.words) and nps_class in _MEDICINE_IF_SCHEDULED:
        return NpsClass.MEDICINES
    if re.search(r"fentan|nitaz", entry.name.lower()):
        return NpsClass.OPIOIDS
    # Schedule I without a class of its own: the old narcotics of the conventions.
    scheduled = entry.sources & GOVERNMENT and "schedule" in entry.words
    return NpsClass.CONTROLLED if scheduled and nps_class in (None, NpsClass.OPIOIDS) else nps_class


def status(sources: Iterable[str]) -> Status | None:
    """Return confirmed for a government list or two independent sources, else candidate; None if share-alike alone."""
    cited = set(sources)
    if cited <= SHARE_ALIKE:
        return None
    return Status.CONFIRMED if cited & GOVERNMENT or len(cited - DEPENDENT) >= 2 else Status.CANDIDATE
