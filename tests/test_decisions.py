"""Decisions of cases on both databases: checked, append-only, taken back, audited, and never two unawares."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cases import NOW, TEXT, at_once, put  # type: ignore[import-not-found]  # pytest finds it beside this file
from sqlalchemy import Engine, delete, select, text, update
from sqlalchemy.exc import DatabaseError

from serving.audit import records
from serving.audit_check import verify
from serving.problems import Problem
from serving.review.case import Case, Mark, case
from serving.review.decisions import Decided, decide
from serving.review.queue import claim
from serving.review.standing import standing_decisions
from serving.store.engine import writing
from serving.store.tables import CASES, DECISIONS, NOTES


def say(engine: Engine, case_id: int, decision: str, reviewer: str = "ann", **more: Any) -> Decided:
    with writing(engine) as connection:
        facts = {"source": "api", "now": NOW, **more}
        return decide(connection, case_id, reviewer=reviewer, decision=decision, **facts)


def look(engine: Engine, case_id: int) -> Case:
    with engine.connect() as connection:
        return case(connection, case_id, now=NOW)


def kind_of(work: Callable[[], Any]) -> str:
    with pytest.raises(Problem) as refused:
        work()
    return str(refused.value.kind)


def test_a_decision_settles_every_copy_and_is_told_with_who_and_when(engine: Engine) -> None:
    campaign = put(engine, copies=1000 if engine.dialect.name == "sqlite" else 30)
    spans = [Mark(0, 5, "substance")]
    said = say(engine, campaign, "advert", "k1/Ann B", intent="recruit", spans=spans, note="seen before")
    found = look(engine, campaign)
    assert (said.state, said.copies) == ("settled", found.line.copies)
    assert (found.line.state, found.line.settled) == ("settled", NOW)
    assert found.standing is not None
    assert (found.standing.reviewer, found.standing.time, found.standing.intent) == ("k1/Ann B", NOW, "recruit")
    assert (found.standing.spans, found.standing.note) == ((Mark(0, 5, "substance"),), "seen before")


def test_each_decision_is_a_record_of_the_chain_without_the_note(engine: Engine) -> None:
    one = put(engine)
    say(engine, one, "unsure", note="zorple")
    say(engine, one, "not_advert", intent="news_science")
    say(engine, one, "undo")
    with engine.connect() as connection:
        chain = list(records(connection))
        assert not verify(connection).faults
    assert [record.action for record in chain] == ["case.unsure", "case.not_advert", "case.undo"]
    assert {(record.actor, record.subject_kind, record.subject_id) for record in chain} == {("ann", "case", str(one))}
    assert "zorple" not in str(chain)


UNFIT: list[tuple[str, dict[str, Any], str]] = [
    ("advert", {"intent": "other"}, "#/intent"),
    ("not_advert", {"intent": "sell"}, "#/intent"),
    ("advert", {"intent": "nonsense"}, "#/intent"),
    ("advert", {"spans": [Mark(0, 0, "price")]}, "#/spans/0"),
    ("advert", {"spans": [Mark(0, 1, "price"), Mark(0, len(TEXT) + 1, "price")]}, "#/spans/1"),
    ("advert", {"spans": [Mark(-1, 2, "price")]}, "#/spans/0"),
    ("advert", {"spans": [Mark(0, 2, "person")]}, "#/spans/0/kind"),
    ("advert", {"spans": [Mark(0, 2, "price")] * 201}, "#/spans"),
    ("advert", {"note": "n" * 2001}, "#/note"),
    ("unsure", {"appeal": "upheld"}, "#/appeal"),
    ("advert", {"appeal": "overturned"}, "#/appeal"),  # the policy had advised that it is one
    ("not_advert", {"appeal": "upheld"}, "#/appeal"),
]


def test_what_does_not_fit_is_refused_with_its_place_and_changes_nothing(engine: Engine) -> None:
    one = put(engine)
    for decision, facts, pointer in UNFIT:
        with pytest.raises(Problem) as refused:
            say(engine, one, decision, **facts)
        assert [fault.pointer for fault in refused.value.errors] == [pointer], (decision, facts)
    found = look(engine, one)
    assert (found.decisions, found.line.state) == ((), "open")
    assert kind_of(lambda: say(engine, put(engine, kept=False), "advert", spans=[])) == "invalid-request"


def test_a_case_that_somebody_else_holds_is_theirs_to_decide(engine: Engine) -> None:
    one = put(engine)
    with writing(engine) as connection:
        claim(connection, one, "ann", now=NOW)
    assert kind_of(lambda: say(engine, one, "advert", "ben")) == "claimed"
    assert say(engine, one, "advert", "ben", now=NOW + timedelta(minutes=16)).state == "settled"  # the lease is over


def test_a_settled_case_is_decided_again_only_on_purpose(engine: Engine) -> None:
    one = put(engine)
    say(engine, one, "advert")
    assert kind_of(lambda: say(engine, one, "not_advert", "ben")) == "settled"
    with writing(engine) as connection:
        claim(connection, one, "ben", now=NOW)
    say(engine, one, "not_advert", "ben")
    found = look(engine, one)
    assert found.standing is not None
    assert (found.standing.decision, found.line.claimed_by) == ("not_advert", None)


def test_an_appeal_overturns_what_was_decided_and_says_so(engine: Engine) -> None:
    one = put(engine)
    say(engine, one, "advert")
    assert say(engine, one, "advert", "ben", appeal="upheld").state == "settled"
    assert kind_of(lambda: say(engine, one, "advert", "ben", appeal="overturned")) == "invalid-request"
    say(engine, one, "not_advert", "ben", appeal="overturned")
    found = look(engine, one)
    assert [said.appeal for said in found.decisions] == [None, "upheld", "overturned"]
    assert found.standing == found.decisions[-1]


def test_undo_takes_back_one_decision_after_the_other(engine: Engine) -> None:
    one = put(engine)
    first, second = say(engine, one, "escalate"), say(engine, one, "advert")
    assert (say(engine, one, "undo").undoes, look(engine, one).line.state) == (second.id, "escalated")
    assert (say(engine, one, "undo").undoes, look(engine, one).line.state) == (first.id, "open")
    assert kind_of(lambda: say(engine, one, "undo")) == "nothing-to-undo"
    found = look(engine, one)
    assert [said.undone for said in found.decisions] == [True, True, False, False]
    assert (found.standing, found.line.settled) == (None, None)


def test_only_an_admin_takes_back_what_somebody_else_decided(engine: Engine) -> None:
    one = put(engine)
    say(engine, one, "advert")
    assert kind_of(lambda: say(engine, one, "undo", "ben")) == "nothing-to-undo"
    assert say(engine, one, "undo", "root", admin=True).state == "open"


def test_undo_says_nothing_of_its_own(engine: Engine) -> None:
    one = put(engine)
    say(engine, one, "advert")
    assert kind_of(lambda: say(engine, one, "undo", intent="sell")) == "invalid-request"


def test_of_two_who_decide_at_once_one_is_refused(engine: Engine) -> None:
    one = put(engine)
    choices = ("advert", "not_advert")
    found = at_once(2, lambda number: say(engine, one, choices[number], f"reviewer {number}").state)
    assert found == ["settled", "settled"]  # one is the case's state, the other the refusal
    assert len(look(engine, one).decisions) == 1


def test_of_two_undoes_at_once_one_finds_nothing(engine: Engine) -> None:
    one = put(engine)
    say(engine, one, "advert")
    found = at_once(2, lambda _: say(engine, one, "undo").state)
    assert sorted(found) == ["nothing-to-undo", "open"]


def test_decisions_cannot_be_changed_or_deleted(engine: Engine) -> None:
    one = put(engine)
    say(engine, one, "advert", note="kept apart")
    forbidden = (
        update(DECISIONS).values(decision="not_advert"),
        delete(DECISIONS),
        text("INSERT OR REPLACE INTO decisions SELECT * FROM decisions"),
        text("TRUNCATE decisions CASCADE"),
    )
    for statement in forbidden:
        with pytest.raises(DatabaseError), writing(engine) as connection:
            connection.execute(statement)
    with writing(engine) as connection:
        connection.execute(delete(NOTES))  # erasure may reach what people wrote
    standing = look(engine, one).standing
    assert standing is not None
    assert (standing.decision, standing.note) == ("advert", None)


def test_the_decisions_in_force_are_one_a_case(engine: Engine) -> None:
    first, second, third = put(engine), put(engine), put(engine)
    say(engine, first, "unsure")
    say(engine, first, "advert")
    say(engine, second, "advert")
    say(engine, second, "not_advert", appeal="overturned")
    say(engine, second, "undo")
    say(engine, third, "advert")
    say(engine, third, "undo")
    with engine.connect() as connection:
        rows = connection.execute(standing_decisions().order_by(DECISIONS.c.case_id)).all()
    assert [(row.case_id, row.decision) for row in rows] == [(first, "advert"), (second, "advert")]


def test_a_decision_that_cannot_be_recorded_is_not_taken(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OSError

    one = put(engine)
    monkeypatch.setattr("serving.audit.append", fail)
    with pytest.raises(OSError):  # noqa: PT011  # nothing is said in it
        say(engine, one, "advert")
    with engine.connect() as connection:
        assert connection.execute(select(DECISIONS.c.id)).all() == []
        assert connection.scalar(select(CASES.c.state)) == "open"
