"""A store filled as a day's work would fill it, and the console in front of it, for tests of its pages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from authored import POSTS, Authored  # type: ignore[import-not-found]  # pytest finds it beside this file
from cases import put_judged  # type: ignore[import-not-found]  # likewise
from sqlalchemy import Connection, Engine, insert, update
from starlette.types import ASGIApp

from models.neardup import signature
from models.verdict import INTENTS, Decision, Post, Verdict
from models.wire import verdict_to_json
from serving.app import create_app
from serving.review.severity import expected_harm, severity, uncertainty
from serving.settings import Settings
from serving.store.engine import writing
from serving.store.tables import CASES, TEXTS

COPIES_STORED = 12  # of a large campaign; its case says how many there are


def put_authored(
    connection: Connection, post: Authored, *, age: timedelta, author: str = "1:aa", name: str = ""
) -> int:
    """Put one authored post as a case and give its number."""
    now, verdict = datetime.now(UTC), post.verdict()
    weight = severity(verdict.substances)
    added = connection.execute(
        insert(CASES).values(
            state="open",
            opened=now - age,
            newest=now,
            copies=post.copies,
            severity=weight,
            harm=expected_harm(weight, post.probability, post.copies),
            uncertainty=uncertainty(post.probability),
            lang=post.lang,
            platform=post.platform,
            signature=signature([post.text]).tobytes(),
        )
    ).inserted_primary_key
    assert added is not None  # an insert of one row has its key
    case: int = added[0]
    for copy in range(min(post.copies, COPIES_STORED)):
        judged = put_judged(
            connection,
            replace(verdict, id=name or f"{post.lang}-{case}-{copy}"),
            case=case,
            time=now - age + timedelta(minutes=copy),
            author=author,
            platform=post.platform,
        )
        if copy == 0:
            wire = json.dumps(verdict_to_json(verdict), ensure_ascii=False)
            connection.execute(insert(TEXTS).values(judged_id=judged, text=post.text, verdict=wire))
            connection.execute(update(CASES).where(CASES.c.id == case).values(shown=judged))
    return case


def fill(engine: Engine, posts: Sequence[Authored] = POSTS) -> list[int]:
    """Put all of them, each some hours older than the one before."""
    with writing(engine) as connection:
        return [
            put_authored(connection, post, age=timedelta(hours=3 * at), author=f"1:{at % 7:02x}")
            for at, post in enumerate(posts)
        ]


def console(engine: Engine, **settings: Any) -> ASGIApp:
    """Build the service with a detector that lets everything through."""
    app: ASGIApp = create_app({"default": _allow}, {"release": "2026.11.2"}, Settings(**settings), engine=engine)
    return app


def _allow(posts: Sequence[Post]) -> list[Verdict]:
    shares = dict.fromkeys(INTENTS, 1 / len(INTENTS))
    return [Verdict(post.id, Decision.ALLOW, 0.0, shares) for post in posts]
