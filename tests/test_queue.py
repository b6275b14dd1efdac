"""The review queue on both databases: its order, its leases, and that two reviewers never hold one case."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cases import NOW, at_once, put  # type: ignore[import-not-found]  # pytest finds it beside this file
from sqlalchemy import Engine

from serving.problems import Problem
from serving.review.case import case
from serving.review.decisions import decide
from serving.review.queue import CaseLine, claim, claim_next, counts, release, waiting
from serving.review.urgency import PER_DAY
from serving.store.engine import writing

DAY = timedelta(days=1)


def listed(engine: Engine, **wanted: Any) -> list[int]:
    with engine.connect() as connection:
        return [line.id for line in waiting(connection, **{"now": NOW, **wanted})]


def take(engine: Engine, reviewer: str = "ann", **wanted: Any) -> CaseLine | None:
    with writing(engine) as connection:
        return claim_next(connection, reviewer, **{"now": NOW, **wanted})


def taken(engine: Engine, reviewer: str = "ann", **wanted: Any) -> int | None:
    line = take(engine, reviewer, **wanted)
    return line.id if line else None


def hold(engine: Engine, case_id: int, reviewer: str = "ann", **wanted: Any) -> CaseLine:
    with writing(engine) as connection:
        return claim(connection, case_id, reviewer, **{"now": NOW, **wanted})


def say(engine: Engine, case_id: int, decision: str, reviewer: str = "ann", **more: Any) -> None:
    with writing(engine) as connection:
        decide(connection, case_id, reviewer=reviewer, source="api", decision=decision, now=NOW, **more)


def test_the_more_harmful_case_is_first_then_the_less_certain_then_the_older(engine: Engine) -> None:
    mild = put(engine, harm=1.0)
    older = put(engine, harm=8.0, opened=NOW - timedelta(minutes=1))
    worst = put(engine, harm=9.0)
    unsure = put(engine, harm=8.0, probability=0.5)
    sure = put(engine, harm=8.0)
    assert listed(engine) == [unsure, worst, older, sure, mild]


def test_no_stream_of_worse_cases_starves_an_old_one(engine: Engine) -> None:
    old = put(engine, harm=0.0, probability=0.0, opened=NOW - 60 * DAY)
    for number in range(5):
        put(engine, harm=60 * PER_DAY - 1 - number, probability=1.0)
    assert listed(engine)[0] == old


def test_pages_by_cursor_hold_every_case_once_also_when_all_weigh_the_same(engine: Engine) -> None:
    cases = [put(engine, harm=3.0) for _ in range(7)]
    found, after = [], None
    while True:
        with engine.connect() as connection:
            page = waiting(connection, limit=3, after=after, now=NOW)
        if not page:
            break
        found += [line.id for line in page]
        after = page[-1].cursor
    assert found == cases


NO_CURSORS = ("", "1", "0_nan_1", "0_1.0_x", "0_inf_1", "2_1_1", "0_1_-1", "0_1_1_1", "' OR 1=1 --", f"0_1_{10**30}")


def test_what_is_no_cursor_is_refused(engine: Engine) -> None:
    for cursor in NO_CURSORS:
        with engine.connect() as connection, pytest.raises(Problem) as refused:
            waiting(connection, after=cursor, now=NOW)
        assert refused.value.kind == "invalid-request", cursor


def test_filters_choose_by_language_platform_and_state(engine: Engine) -> None:
    here = put(engine, lang="de", platform="chat")
    there = put(engine, lang="de", platform="board")
    settled = put(engine, lang="fr", state="settled")
    assert listed(engine, lang="de") == [here, there]
    assert listed(engine, lang="de", platform="board") == [there]
    assert listed(engine, state="settled") == [settled]
    assert listed(engine, lang="' OR 1=1 --") == []
    with engine.connect() as connection:
        assert counts(connection) == {"open": 2, "escalated": 0, "settled": 1}


def test_a_line_says_what_the_shown_copy_is_and_holds_no_text(engine: Engine) -> None:
    put(engine, copies=3, warnings=["unknown language"])
    line = take(engine)
    assert line is not None
    assert (line.copies, line.advised, line.intent, line.span_kinds) == (3, "review", "sell", ("price", "substance"))
    assert line.substances == ({"name": "2-MMC", "nps_class": "cathinones", "status": "confirmed"},)
    assert (line.claimed_by, line.claimed_until) == ("ann", NOW + timedelta(minutes=15))
    assert "in stock" not in str(line)


def test_a_held_case_is_nobody_elses_until_its_lease_ends(engine: Engine) -> None:
    only = put(engine)
    assert taken(engine) == only
    assert taken(engine, "ben") is None
    with pytest.raises(Problem) as refused:
        hold(engine, only, "ben")
    assert refused.value.kind == "claimed"
    assert "ann holds this case until 2026-12-01 12:15 UTC" in str(refused.value.detail)
    assert taken(engine, "ben", now=NOW + timedelta(minutes=16)) == only


def test_who_holds_a_case_can_hold_it_for_longer_but_next_gives_another(engine: Engine) -> None:
    first, second = put(engine, harm=2.0), put(engine, harm=1.0)
    assert taken(engine) == first
    assert hold(engine, first, now=NOW + timedelta(minutes=5)).claimed_until == NOW + timedelta(minutes=20)
    assert taken(engine) == second


def test_a_case_given_back_is_next_again_and_not_by_others(engine: Engine) -> None:
    only = put(engine)
    hold(engine, only)
    with pytest.raises(Problem), writing(engine) as connection:
        release(connection, only, "ben", now=NOW)
    assert taken(engine, "ben") is None
    with writing(engine) as connection:
        release(connection, only, "ann", now=NOW)
        release(connection, only, "ann", now=NOW)  # twice is once
    assert taken(engine, "ben") == only


@pytest.mark.parametrize("work", [hold, lambda engine, number: say(engine, number, "advert")])
def test_a_case_that_is_not_there_is_unknown(engine: Engine, work: Any) -> None:
    with pytest.raises(Problem) as refused:
        work(engine, 999)
    assert refused.value.kind == "unknown-case"


def test_many_reviewers_at_once_get_a_case_each_and_no_case_twice(engine: Engine) -> None:
    cases = [put(engine) for _ in range(6)]
    found = at_once(8, lambda number: taken(engine, f"reviewer {number}"))
    assert sorted(each for each in found if each is not None) == cases
    assert found.count(None) == 2


def test_of_two_who_claim_one_case_at_once_one_is_refused(engine: Engine) -> None:
    only = put(engine)
    found = at_once(2, lambda number: hold(engine, only, f"reviewer {number}").id)
    assert sorted(found, key=str) == [only, "claimed"]


def test_an_unsure_case_waits_behind_all_others_for_a_while(engine: Engine) -> None:
    hard, easy = put(engine, harm=9.0), put(engine, harm=1.0)
    hold(engine, hard)
    say(engine, hard, "unsure")
    assert listed(engine) == [easy, hard]
    assert listed(engine, now=NOW + timedelta(hours=5)) == [hard, easy]
    with engine.connect() as connection:
        line = waiting(connection, now=NOW)[1]
    assert (line.claimed_by, line.claimed_until, line.aside_until) == (None, None, NOW + timedelta(hours=4))
    assert [taken(engine, "ben"), taken(engine, "cem")] == [easy, hard]


def test_an_escalated_case_is_first_for_admins_and_not_next_for_others(engine: Engine) -> None:
    urgent, hard = put(engine, harm=90.0), put(engine, harm=1.0)
    say(engine, hard, "escalate")
    assert listed(engine) == [urgent]
    assert listed(engine, state="escalated") == [hard]
    assert taken(engine, "root", admin=True) == hard
    assert [taken(engine), taken(engine)] == [urgent, None]


def test_a_case_tells_its_copies_and_what_is_known_of_its_author(engine: Engine) -> None:
    settled = put(engine, author="1:aaaa")
    put(engine, author="1:bbbb")
    say(engine, settled, "advert", intent="promote", note="<script>alert(1)</script>'; DROP TABLE cases; --")
    looked = put(engine, copies=3, author="1:aaaa", text="two words")
    with engine.connect() as connection:
        found, before = case(connection, looked, now=NOW), case(connection, settled, now=NOW)
    assert (found.text, found.line.copies, found.authors) == ("two words", 3, 1)
    assert [copy.post_id for copy in found.copies] == [f"post{looked}.3", f"post{looked}.2", f"post{looked}"]
    assert found.history is not None
    assert (found.history.cases, found.history.flagged, found.history.decisions) == (2, 4, {"advert": 1})
    assert before.standing is not None
    assert before.standing.note == "<script>alert(1)</script>'; DROP TABLE cases; --"


def test_a_case_whose_text_is_gone_is_still_told(engine: Engine) -> None:
    old = put(engine, kept=False)
    with engine.connect() as connection:
        found = case(connection, old, now=NOW)
    assert (found.text, found.verdict) == (None, None)
    assert found.shown is not None
    assert found.shown.release == "2026.12.1"
