"""The data card of exported reviews: what the rows are, where from, and how they were decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Protocol

import yaml

MARK = "<!-- written by `npsight feedback export` -->"


class Counted(Protocol):
    """What the card tells of the rows."""

    rows: int
    without_text: int
    first: datetime | None
    last: datetime | None
    counts: dict[str, Counter[str]]


def is_ours(card: Path, name: str) -> bool:
    """Say whether an export of this file wrote this card, and may write it again."""
    text = card.read_text(encoding="utf-8", errors="replace")
    return MARK in text and name in yaml.safe_load(text.split("---\n")[1])["npsight"]["files"]


def card_text(name: str, digest: str, counted: Counted) -> str:
    """Write the card: a Hugging Face dataset card whose front matter training reads."""
    front = yaml.safe_dump(_front(name, digest, counted), sort_keys=False, allow_unicode=True, default_flow_style=None)
    return f"---\n{front}---\n" + "\n".join(_body(counted)) + "\n"


def _front(name: str, digest: str, counted: Counted) -> Mapping[str, object]:
    languages = sorted(lang for lang in counted.counts.get("language", {}) if lang != "unknown")
    return {
        "license": "other",
        "license_name": "internal",
        "pretty_name": "Posts decided by reviewers",
        "language": languages,
        "task_categories": ["text-classification", "token-classification"],
        "npsight": {
            "files": {name: {"sha256": digest, "rows": counted.rows}},
            "columns": {"label": "intent"},
            "quotable": False,
        },
    }


def _body(counted: Counted) -> Iterator[str]:
    when = f"from {counted.first:%Y-%m-%d} to {counted.last:%Y-%m-%d}" if counted.first and counted.last else "never"
    yield from ("# Posts decided by reviewers", "", MARK, "")
    yield (
        f"{counted.rows} posts of this service, one for each campaign of near copies, decided {when} by the team's "
        "reviewers. Contacts are masked by keyed pseudonyms of the same kind and length; authors, post ids, notes and "
        "reviewers are left out. Posts of other people: for internal use, not to be published."
    )
    yield ""
    yield (
        "A row's `intent` is what the reviewer named; who only said advert or not is kept as that, and training takes "
        "it as a partial label. `spans` stand only where a reviewer corrected them: those that the detector found are "
        "no truth to learn from. Unsure, escalated and taken-back cases are left out, and "
        f"{counted.without_text} whose text retention or erasure has deleted."
    )
    yield ""
    yield (
        "Not a random sample: the detector chose most of these posts, so their mix of labels is that of the queue. "
        "Reviewers saw its verdict before they decided."
    )
    yield from ("", "| | | posts |", "|---|---|---|")
    for kind, counts in counted.counts.items():
        yield from (f"| {kind} | {value} | {count} |" for value, count in counts.most_common())
