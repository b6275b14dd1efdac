"""Where the forms of the queue lead: the filters and the last decision travel along in the address."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query
from sqlalchemy import Connection

from serving.console.fields import Fields
from serving.console.visitors import Visitor
from serving.headers import CONSOLE
from serving.problems import Fault, invalid_request
from serving.review import queue

QUEUE = f"{CONSOLE}/queue"
LARGEST = 2**63 - 1  # that a number of a row can be
NEIGHBOURS = 200  # cases looked through for one that is free; who wants to go further back has the list
CaseId = Annotated[int, Query(ge=0, le=LARGEST)]


def filters_of(form: Mapping[str, str]) -> dict[str, str]:
    """Take the filters under which somebody works."""
    return {name: form.get(name, "")[:100] for name in ("lang", "platform")}


def case_of(form: Fields) -> int:
    """Read which case a form is about."""
    word = form.word("case")
    if not (word.isascii() and word.isdecimal() and int(word[:20]) <= LARGEST):
        raise invalid_request([Fault("#/case", "is no number of a case")])
    return int(word)


def case_address(case_id: int, form: Mapping[str, str], *, done: int | None = None) -> str:
    """Give the address of a case."""
    return _address(f"{QUEUE}/cases/{case_id}", form, done)


def list_address(form: Mapping[str, str], *, done: int | None = None) -> str:
    """Give the address of the list."""
    return _address(QUEUE, form, done)


def take_next(
    connection: Connection, visitor: Visitor, form: Mapping[str, str], *, done: int | None = None, now: datetime
) -> str:
    """Take the most urgent case that nobody holds, and give its address; that of the list when none waits."""
    chosen, admin = filters_of(form), visitor.may("admin")
    lang, platform = chosen["lang"] or None, chosen["platform"] or None
    taken = queue.claim_next(connection, visitor.reviewer, lang=lang, platform=platform, admin=admin, now=now)
    return case_address(taken.id, form, done=done) if taken else list_address(form, done=done)


def move(connection: Connection, case_id: int, visitor: Visitor, form: Fields, *, now: datetime) -> str:
    """Give a case back and take the next one behind or before it that is free."""
    line = queue.line(connection, case_id, now=now)
    if line.claimed_by == visitor.reviewer:
        queue.release(connection, case_id, visitor.reviewer, now=now)
        line = queue.line(connection, case_id, now=now)  # its place, now that nobody holds it
    state = queue.OPEN if line.state == queue.SETTLED else line.state
    chosen = {name: value or None for name, value in filters_of(form).items()}
    back = form.word("to") == "before"
    after = None if back else line.cursor
    others = queue.waiting(connection, limit=NEIGHBOURS, after=after, **chosen, state=state, now=now)
    if back:
        at = next((place for place, each in enumerate(others) if each.id == case_id), len(others))
        others = others[:at][::-1]
    for each in others:
        if each.claimed_by is None and each.id != case_id:
            queue.claim(connection, each.id, visitor.reviewer, now=now)
            return case_address(each.id, form)
    return list_address(form)


def _address(path: str, form: Mapping[str, str], done: int | None) -> str:
    carried = {name: value for name, value in filters_of(form).items() if value}
    carried |= {"done": str(done)} if done is not None else {}
    return f"{path}?{urlencode(carried)}" if carried else path
