"""Reviewed posts as a training file with its data card: one row a case, contacts masked, no reviewer and no author."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, select

from models.release import sha256
from serving import audit
from serving.review.card import card_text, is_ours
from serving.review.saying import INTENTS_OF
from serving.review.standing import standing_decisions
from serving.store.engine import writing
from serving.store.tables import CASES, JUDGED, TEXTS

CARD = "README.md"


@dataclass(slots=True)
class Exported:
    """What was written: counts for the card, and how many decided cases had no text any more."""

    rows: int = 0
    without_text: int = 0
    first: datetime | None = None
    last: datetime | None = None
    counts: dict[str, Counter[str]] = field(default_factory=dict)

    def count(self, record: dict[str, Any], decision: str, time: datetime) -> None:
        """Count one row."""
        self.rows += 1
        self.first, self.last = min(self.first or time, time), max(self.last or time, time)
        spans = "corrected" if "spans" in record else "not marked"
        said = {"decision": decision, "intent": record["intent"], "language": record["lang"] or "unknown"}
        for name, value in (said | {"decided by": record["decided_by"], "spans": spans}).items():
            self.counts.setdefault(name, Counter())[value] += 1


def export(engine: Engine, path: Path, *, since: datetime | None = None, actor: str) -> Exported:
    """Write the file and its card; a folder with data of others is refused.

    It is recorded before the file stands there, and nobody else's writing waits for it.
    """
    card, part = path.parent / CARD, path.with_name(f".{path.name}.part")
    if path.suffix != ".jsonl":
        raise ValueError(f"{path}: wanted a file that ends in .jsonl")
    if (card.exists() and not is_ours(card, path.name)) or (path.exists() and not card.exists()):
        raise ValueError(f"{path.parent}: holds data of others; choose a folder of its own for what is exported")
    path.parent.mkdir(parents=True, exist_ok=True)
    done = Exported()
    with engine.connect() as connection, _private(part) as file:
        for record in _records(connection, since, done):
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
    digest, details = sha256(part), {"rows": done.rows, "since": since.isoformat() if since else None}
    with writing(engine) as connection:
        audit.append(connection, audit.Event(actor, "feedback.export", "export", digest, details))
    os.replace(part, path)
    card.write_text(card_text(path.name, digest, done), encoding="utf-8")
    return done


def _private(path: Path) -> Any:
    """Open a file that only its owner may read: posts of others stand in it."""
    return os.fdopen(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w", encoding="utf-8")


def _records(connection: Connection, since: datetime | None, done: Exported) -> Iterator[dict[str, Any]]:
    for row in connection.execute(_decided(since), execution_options={"yield_per": 1000}):
        if row.text is None:
            done.without_text += 1
            continue
        record = _record(row)
        done.count(record, row.decision, row.time)
        yield record


def _decided(since: datetime | None) -> Select[Any]:
    """Select each case that a decision in force calls an advert or none, with the copy that was looked at."""
    last = standing_decisions().subquery()
    query = (
        select(*last.c, JUDGED.c.lang, JUDGED.c.platform, TEXTS.c.text, TEXTS.c.verdict)
        .join_from(last, CASES, CASES.c.id == last.c.case_id)
        .join(JUDGED, JUDGED.c.id == CASES.c.shown, isouter=True)
        .join(TEXTS, TEXTS.c.judged_id == CASES.c.shown, isouter=True)
        .where(last.c.decision.in_([choice.value for choice in INTENTS_OF]))
        .order_by(last.c.case_id)
    )
    return query if since is None else query.where(last.c.time >= since)


def _record(row: Row[Any]) -> dict[str, Any]:
    """Write a row as the corpus reads it; without corrected spans it has none, since nobody vouches for those found."""
    record = {
        "id": f"review-{row.case_id}",
        "text": row.text,
        "intent": row.intent or row.decision,
        "lang": row.lang,
        "platform": row.platform,
        "source": f"reviewed/{row.platform or 'unknown'}",
        "decided": f"{row.time:%Y-%m-%d}",
        "decided_by": row.source,
        "appeal": row.appeal,
    }
    return record if row.spans is None else record | {"spans": _spans(row)}


def _spans(row: Row[Any]) -> list[dict[str, Any]]:
    found = {(span["start"], span["end"]): span["obfuscated"] for span in json.loads(row.verdict)["spans"]}
    return [
        mark | {"obfuscated": bool(found.get((mark["start"], mark["end"])))}
        for mark in json.loads(row.spans)
        if mark["end"] <= len(row.text)  # another copy may be shown since, when the one that was marked was erased
    ]
