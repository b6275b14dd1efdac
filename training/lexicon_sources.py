"""Read the lists that the lexicon is compiled from: what each says, and under which short name we cite it.

Only names are taken, never descriptive text. What a list means is decided in `lexicon_rules`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

CITED = {
    "dod_prohibited": "dod",
    "dea_controlled_DOPE": "dea",
    "fiu2015": "fiu",
    "DEA(Euphemism)": "dea",
    "DEA(DOPE)": "dea",
    "noslang/ONDCP": "ondcp",
    "DOPE": "dope",
    "DarkWebAnalysis": "darkweb",
}
# A name as a post may write it: IUPAC nests, mixtures, footnotes and list debris stay out.
_WRITTEN = re.compile(r"[\w#'\u2032.,&/+\- ]{2,40}")
_DEBRIS = re.compile(
    r"^\W*$|, |\d ?m[gl]\b|^various|^\d$|/|[.-]$|which contains|precursor|dosage|constituent| - ", re.IGNORECASE
)


@dataclass(slots=True)
class Entry:
    """A substance as lists hold it; `words` are their own class words, `rows` their names for the row."""

    name: str
    aliases: list[str]
    words: str = ""
    sources: set[str] = field(default_factory=set)
    rows: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Saying:
    """A word and what a list says it stands for."""

    surface: str
    meaning: str
    lang: str
    kind: str
    sources: frozenset[str]


def written(surface: str) -> str | None:
    """Return a surface form as a post may write it, or None for what is no form of a name."""
    surface = re.sub(r"\s+", " ", surface.strip().strip("\"'*?\\").replace("\u00ae", "").replace("\u2013", "-")).strip(
        " -"
    )
    surface = re.sub(r"\s*\([^)]*\)$", "", surface)
    return (
        surface if _WRITTEN.fullmatch(surface) and not _DEBRIS.search(surface) and len(surface.split()) <= 5 else None
    )


def entries(folder: Path) -> Iterator[Entry]:
    """Yield the substances of the public lists, then those of our own supplement."""
    for row in _rows(folder / "nps_names.tsv"):
        sources = {CITED.get(source, source) for source in row["sources"].split(",")}
        yield Entry(row["name"], _split(row["aliases"], " | "), row["classes"].lower(), sources)
    for row in _rows(folder / "nps_supplement_manual.tsv"):
        yield Entry(row["name"], _split(row["aliases"], " | "), row["group"].replace("_", " "), {"manual"})


def sayings(folder: Path) -> Iterator[Saying]:
    """Yield slang, emoji codes and strains. Listing fragments that only a crawl of markets holds are no slang."""
    for row in _rows(folder / "slang_en.tsv"):
        sources = frozenset(CITED.get(source, source) for source in row["sources"].split(","))
        if sources != {"darkweb"}:
            yield Saying(row["term"], row["drugs"], "en", "slang", sources - {"darkweb"})
    for row in _rows(folder / "slang_supplement_2020s.tsv"):
        yield Saying(row["term"], row["drug"], "en", "slang", frozenset({"slang2020s"}))
    for row in _rows(folder / "slang_multilingual.tsv"):
        cited = "multilingual" if row["source"] == "unverified" else "multilingual_cited"
        yield Saying(row["term"], row["drug"], row["lang"], "slang", frozenset({cited}))
    for row in _rows(folder / "emoji_drug_code.tsv"):
        cited = "dea_emoji" if row["source"].startswith("DEA") else "emoji"
        yield Saying(row["emoji"], row["meaning"], "*", "slang", frozenset({cited}))
    for row in _rows(folder / "cannabis_strains.tsv"):
        if not re.match(r"[#$\d]+|.* x ", row["strain"]) and len(row["strain"]) >= 3:
            yield Saying(row["strain"], "cannabis", "en", "strain", frozenset({"strains"}))


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)


def _split(text: str, mark: str) -> list[str]:
    return [part.strip() for part in text.split(mark) if part.strip()]
