"""Cases for tests, put straight into the tables as the recorder would: no network, no policy, no pseudonyms."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, insert, update

from models.verdict import INTENTS, Decision, Intent, Kind, NpsClass, Span, Status, Substance, Verdict
from models.wire import verdict_to_json
from serving.problems import Problem
from serving.store.engine import writing
from serving.store.tables import CASES, JUDGED, TEXTS

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
TEXT = "2-MMC in stock, 25 a gram, write to me"
MARKS = ((0, 5, "substance"), (16, 25, "price"))
SUBSTANCE = Substance("2-MMC", NpsClass.CATHINONES, Status.CONFIRMED)


def put_case(
    connection: Connection,
    text: str = TEXT,
    *,
    copies: int = 1,
    probability: float = 0.9,
    intent: str = "sell",
    decision: str = "review",
    marks: Sequence[tuple[int, int, str]] | None = None,
    substances: Sequence[Substance] = (SUBSTANCE,),
    warnings: Sequence[str] = (),
    lang: str | None = "en",
    platform: str | None = "chat",
    author: str | None = "1:aaaa",
    post_id: str | None = None,
    state: str = "open",
    opened: datetime = NOW,
    severity: int = 2,
    harm: float = 1.0,
    weight: float | None = None,
    prevalence: float | None = 0.003,
    release: str = "2026.12.1",
    policy: str = "default@4",
    kept: bool = True,
) -> int:
    """Put one case with its copies and give its number; the first copy is the shown one.

    The posts are named `post_id`, `post_id`.2, ..., or after the case; the first alone bears `weight`; without `kept`,
    retention has deleted the texts.
    """
    marks = MARKS if marks is None and text == TEXT else marks or ()
    case = _number(
        connection,
        insert(CASES).values(
            state=state,
            opened=opened,
            newest=opened,
            copies=copies,
            severity=severity,
            harm=harm,
            uncertainty=1 - abs(2 * probability - 1),
            lang=lang,
            platform=platform,
        ),
    )
    for copy in range(1, copies + 1):
        name = post_id or f"post{case}"
        verdict = Verdict(
            name if copy == 1 else f"{name}.{copy}",
            Decision(decision),
            probability,
            {each: probability if each == intent else 0.0 for each in INTENTS},
            spans=[Span(start, end, Kind(kind), text[start:end]) for start, end, kind in marks],
            substances=substances,
            reasons=["offers 2-MMC (cathinone) with a price"],
            lang=lang,
            warnings=warnings,
            release=release,
            lexicon="ab12",
            policy=policy,
        )
        judged = put_judged(
            connection,
            verdict,
            case=case,
            time=opened,
            author=author,
            platform=platform,
            weight=weight if copy == 1 else None,
            prevalence=prevalence,
        )
        if kept:
            wire = json.dumps(verdict_to_json(verdict), ensure_ascii=False)
            connection.execute(insert(TEXTS).values(judged_id=judged, text=text, verdict=wire))
        if copy == 1:
            connection.execute(update(CASES).where(CASES.c.id == case).values(shown=judged))
    return case


def put_judged(
    connection: Connection,
    verdict: Verdict,
    *,
    case: int | None,
    time: datetime = NOW,
    author: str | None = None,
    platform: str | None = None,
    weight: float | None = None,
    prevalence: float | None = 0.003,
) -> int:
    """Put the facts of one verdict and give the row's number."""
    return _number(
        connection,
        insert(JUDGED).values(
            case_id=case,
            time=time,
            post_id=verdict.id,
            author=author,
            platform=platform,
            lang=verdict.lang,
            decision=verdict.decision,
            advert_probability=verdict.advert_probability,
            prevalence=prevalence,
            intent=Intent(verdict.intent),
            span_kinds=" ".join(sorted({span.kind for span in verdict.spans})),
            substances=json.dumps(
                [{"name": s.name, "nps_class": s.nps_class, "status": s.status} for s in verdict.substances]
            ),
            warnings=json.dumps(list(verdict.warnings)),
            release=verdict.release,
            lexicon=verdict.lexicon,
            policy=verdict.policy,
            caller="local",
            weight=weight,
        ),
    )


def _number(connection: Connection, statement: object) -> int:
    return int(connection.execute(statement).inserted_primary_key[0])  # type: ignore[call-overload]  # an insert's


def put(engine: Engine, **facts: Any) -> int:
    """Put one case in a transaction of its own."""
    with writing(engine) as connection:
        return put_case(connection, **facts)


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Run the work in as many threads, all let go together, and give what each came to."""
    gate, results = threading.Barrier(count), [None] * count

    def run(number: int) -> None:
        gate.wait()
        try:
            results[number] = work(number)
        except Problem as problem:
            results[number] = problem.kind  # type: ignore[call-overload]

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
