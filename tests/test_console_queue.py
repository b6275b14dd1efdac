"""The queue's pages as a browser without JavaScript meets them: every form, what is stored, and what is never shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from authored import POSTS, Authored  # type: ignore[import-not-found]  # pytest finds it beside this file
from callers import from_here  # type: ignore[import-not-found]  # likewise
from console_store import console, fill, put_authored  # type: ignore[import-not-found]  # likewise
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select

from models.verdict import Intent, Kind
from serving import audit_check
from serving.review import queue
from serving.review.case import case as read_case
from serving.review.decisions import decide
from serving.store.engine import writing
from serving.store.tables import CASES, DECISIONS, EXPOSURES, NOTES

QUEUE = "/console/queue"
NASTY = """<script>alert(1)</script>"'><img src=x onerror=alert(1)> ' OR 1=1;-- \u202eevil {{ 7*7 }}"""


@contextmanager
def opened(engine: Engine, **settings: Any) -> Iterator[TestClient]:
    with TestClient(from_here(console(engine, **settings)), base_url="http://localhost:8000") as client:
        yield client


def post(client: TestClient, path: str, **fields: Any) -> Any:
    """Send a form as the page's own would be sent."""
    page = client.get(QUEUE).text
    token = re.search(r'name="form-token" content="([^"]+)"', page)
    assert token
    headers = {"sec-fetch-site": "same-origin"}
    return client.post(path, data={"token": token[1], **fields}, headers=headers)


def last_decision(engine: Engine) -> Any:
    with engine.connect() as connection:
        return connection.execute(select(DECISIONS).order_by(DECISIONS.c.id.desc()).limit(1)).one()


def test_the_list_orders_by_harm_and_shows_no_text(engine: Engine) -> None:
    fill(engine)
    with opened(engine) as client:
        page = client.get(QUEUE).text
    assert page.index("new opioid") < page.index("lysergamide")
    assert "Offers a new opioid with a contact, a way to pay and delivery or a drop" in page
    assert "212 copies since today" in page or "212 copies since yesterday" in page
    for each in POSTS:
        assert each.text not in page
        assert not any(word in page for word, kind in each.marks if kind == Kind.SUBSTANCE and len(word) > 5)


def test_filters_narrow_the_list_and_travel_on(engine: Engine) -> None:
    fill(engine)
    with opened(engine) as client:
        page = client.get(QUEUE, params={"lang": "de", "platform": "jobs"}).text
        assert page.count("data-row") == 1
        taken = post(client, f"{QUEUE}/next", lang="de", platform="jobs")
        assert "lang=de" in str(taken.url)
        assert "platform=jobs" in str(taken.url)
        assert "German" in taken.text


def test_the_text_is_not_sent_until_somebody_asks(engine: Engine) -> None:
    case = fill(engine, POSTS[:1])[0]
    with opened(engine) as client:
        address = f"{QUEUE}/cases/{case}"
        assert "stock" not in client.get(address).text
        assert exposures(engine) == 0
        shown = post(client, f"{address}/blur", shown="1", note="half a word")
        assert "stock" in shown.text
        assert "half a word" in shown.text
        assert "stock" in client.get(address).text
        assert exposures(engine) == 2
        assert "stock" not in post(client, f"{address}/blur", shown="0").text
        assert "stock" not in client.get(address).text
        assert exposures(engine) == 2


def exposures(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(select(EXPOSURES.c.shown)) or 0)


def test_a_decision_is_stored_with_all_of_its_parts_and_the_next_case_comes(engine: Engine) -> None:
    first, second = fill(engine, POSTS[:2])
    with opened(engine) as client:
        post(client, f"{QUEUE}/claim", case=first)
        said = {"decision": "advert", "intent": "sell", "note": NASTY, "marks_shown": "1", "keep": "6:11:substance"}
        answer = post(client, f"{QUEUE}/cases/{first}/decide", **said, add_text="stock", add_kind="quantity")
    assert answer.status_code == 200
    assert f"/cases/{second}?done={first}" in str(answer.url)
    assert "14 copies" in answer.text
    row = last_decision(engine)
    assert (row.case_id, row.decision, row.intent, row.copies) == (first, "advert", "sell", 14)
    assert row.spans == ('[{"start": 6, "end": 11, "kind": "substance"}, {"start": 15, "end": 20, "kind": "quantity"}]')
    with engine.connect() as connection:
        assert connection.scalar(select(NOTES.c.note)) == NASTY
        assert audit_check.verify(connection).faults == []


def test_marks_that_were_only_looked_at_are_not_corrections(engine: Engine) -> None:
    case = fill(engine, POSTS[:1])[0]
    with engine.connect() as connection:
        found = read_case(connection, case, now=datetime.now(UTC)).verdict
    assert found
    keep = [f"{span.start}:{span.end}:{span.kind}" for span in found.spans]
    with opened(engine) as client:
        post(client, f"{QUEUE}/cases/{case}/decide", decision="not_advert", marks_shown="1", keep=keep)
    assert last_decision(engine).spans is None


@pytest.mark.parametrize(
    "fields",
    [
        {"decision": "advert", "intent": "seek"},
        {"decision": "advert", "intent": "nothing"},
        {"decision": "undo"},
        {"decision": ""},
        {"decision": "advert", "appeal": "perhaps"},
        {"decision": "advert", "note": "n" * 2001},
        {"decision": "advert", "marks_shown": "1", "keep": "0:9999:price"},
        {"decision": "advert", "marks_shown": "1", "keep": "x"},
        {"decision": "advert", "marks_shown": "1", "add_text": "not there", "add_kind": "price"},
        {"decision": "advert", "marks_shown": "1", "add_text": "stock", "add_kind": "wish"},
    ],
)
def test_what_does_not_fit_comes_back_as_it_was_typed(engine: Engine, fields: dict[str, str]) -> None:
    case = fill(engine, POSTS[:1])[0]
    with opened(engine) as client:
        answer = post(client, f"{QUEUE}/cases/{case}/decide", **{"note": "typed by hand", **fields})
    assert answer.status_code == 422
    assert "Not stored" in answer.text
    assert fields.get("note", "typed by hand") in answer.text
    with engine.connect() as connection:
        assert connection.execute(select(DECISIONS)).all() == []


def test_undo_brings_the_case_back_to_who_decided_it(engine: Engine) -> None:
    case = fill(engine, POSTS[:1])[0]
    with opened(engine) as client:
        post(client, f"{QUEUE}/cases/{case}/decide", decision="not_advert")
        answer = post(client, f"{QUEUE}/undo", case=case)
    assert f"/cases/{case}" in str(answer.url)
    assert "Yours until" in answer.text
    assert "taken back" in answer.text
    with engine.connect() as connection:
        assert connection.scalar(select(CASES.c.state)) == "open"


def test_a_lost_lease_is_said_and_the_note_is_kept(engine: Engine) -> None:
    case = fill(engine, POSTS[:1])[0]
    with writing(engine) as connection:
        queue.claim(connection, case, "k1/Ada", now=datetime.now(UTC))
    with opened(engine) as client:
        answer = post(client, f"{QUEUE}/cases/{case}/decide", decision="advert", note="a long thought")
        assert answer.status_code == 409
        assert "a long thought" in answer.text
        assert "Ada holds this case" in answer.text
        held = post(client, f"{QUEUE}/cases/{case}/extend").json()
        assert held["mine"] is False
        assert "Ada" in held["words"]


def test_a_lease_is_extended_while_it_is_ours(engine: Engine) -> None:
    case = fill(engine, POSTS[:1])[0]
    with writing(engine) as connection:
        queue.claim(connection, case, "local", minutes=1, now=datetime.now(UTC))
    with opened(engine) as client:
        assert post(client, f"{QUEUE}/cases/{case}/extend").json()["mine"] is True
    with engine.connect() as connection:
        until = connection.scalar(select(CASES.c.claimed_until))
    assert until
    assert until > datetime.now(UTC) + timedelta(minutes=10)


def test_what_somebody_else_settled_meanwhile_is_said(engine: Engine) -> None:
    case = fill(engine, POSTS[:1])[0]
    now = datetime.now(UTC)
    with writing(engine) as connection:
        decide(connection, case, reviewer="k1/Ada", source="console", decision="advert", now=now)
    with opened(engine) as client:
        answer = post(client, f"{QUEUE}/cases/{case}/decide", decision="not_advert", note="mine")
    assert answer.status_code == 409
    assert "settled" in answer.text
    assert "mine" in answer.text


def test_moving_gives_the_case_back_and_walks_both_ways(engine: Engine) -> None:
    fill(engine, POSTS[:3])
    with opened(engine) as client:
        first = number(post(client, f"{QUEUE}/next"))
        second = number(post(client, f"{QUEUE}/move", case=first, to="next"))
        third = number(post(client, f"{QUEUE}/move", case=second, to="next"))
        assert len({first, second, third}) == 3
        assert number(post(client, f"{QUEUE}/move", case=third, to="before")) == second
        assert str(post(client, f"{QUEUE}/move", case=third, to="next").url).endswith(QUEUE)
    with engine.connect() as connection:
        holders = connection.scalars(select(CASES.c.claimed_by).where(CASES.c.claimed_by.is_not(None))).all()
    assert holders == ["local"]


def number(answer: Any) -> int:
    found = re.search(r"/cases/(\d+)", str(answer.url))
    assert found, answer.url
    return int(found[1])


def test_after_many_texts_a_pause_is_suggested_and_can_be_put_away(engine: Engine) -> None:
    case = fill(engine, POSTS[:1])[0]
    address = f"{QUEUE}/cases/{case}"
    with opened(engine, pause_after=2) as client:
        assert "texts this hour.</strong>" not in post(client, f"{address}/blur", shown="1").text
        assert "You have read 2 texts this hour." in client.get(address).text
        away = post(client, f"{QUEUE}/rested", next=address)
        assert str(away.url).endswith(address)
        assert "You have read" not in away.text
        assert "Texts shown to you this hour: 3" in away.text
        assert str(post(client, f"{QUEUE}/rested", next="https://example.org/").url).endswith(QUEUE)


def test_an_appeal_finds_its_case_and_its_outcome_is_stored(engine: Engine) -> None:
    with writing(engine) as connection:
        case = put_authored(connection, POSTS[8], age=timedelta(hours=1), name="post/1?<b>")
    with opened(engine) as client:
        found = client.get(f"{QUEUE}/appeal", params={"post_id": "post/1?<b>"})
        assert f"/cases/{case}" in str(found.url)
        missing = client.get(f"{QUEUE}/appeal", params={"post_id": NASTY})
        assert "No post of this id" in missing.text
        assert "<script>alert" not in missing.text
        post(client, f"{QUEUE}/cases/{case}/decide", decision="advert")
        post(client, f"{QUEUE}/cases/{case}/decide", decision="not_advert", appeal="overturned")
    assert (last_decision(engine).decision, last_decision(engine).appeal) == ("not_advert", "overturned")


def test_stored_scripts_are_inert_in_text_notes_platforms_and_ids(engine: Engine) -> None:
    nasty = Authored(NASTY, "en", NASTY[:90], Intent.SELL, 0.9, (("alert", Kind.PRICE),))
    with writing(engine) as connection:
        case = put_authored(connection, nasty, age=timedelta(hours=1), name=NASTY)
    with opened(engine) as client:
        post(client, f"{QUEUE}/cases/{case}/decide", decision="unsure", note=NASTY)
        shown = post(client, f"{QUEUE}/cases/{case}/blur", shown="1", note=NASTY).text
        pages = [shown, client.get(QUEUE).text, client.get(f"{QUEUE}?platform={NASTY}").text]
        fault = post(client, f"{QUEUE}/cases/{case}/decide", decision="x", add_text=NASTY, marks_shown="1").text
    assert shown.count("&lt;script&gt;") >= 5
    for page in [*pages, fault]:
        assert "<script>alert" not in page
        assert "<img" not in page
        assert "x onerror=alert(1)> '" not in page


def test_offsets_hold_where_a_browser_would_swallow_characters(engine: Engine) -> None:
    odd = Authored("line\r\nnext 🍬 price 20 now", "en", "chat", Intent.SELL, 0.9, (("20", Kind.PRICE),))
    with writing(engine) as connection:
        case = put_authored(connection, odd, age=timedelta(hours=1))
    with opened(engine) as client:
        page = post(client, f"{QUEUE}/cases/{case}/blur", shown="1").text
    assert "line \nnext 🍬 price <mark" in page
    assert ">20</mark>" in page
    assert 'value="19:21:price"' in page


def test_a_case_without_its_text_can_still_be_decided(engine: Engine) -> None:
    from sqlalchemy import delete

    from serving.store.tables import TEXTS

    case = fill(engine, POSTS[:1])[0]
    with writing(engine) as connection:
        connection.execute(delete(TEXTS))
        connection.execute(CASES.update().values(signature=None))
    with opened(engine) as client:
        assert "not kept any more" in client.get(f"{QUEUE}/cases/{case}").text
        assert "not kept any more" in post(client, f"{QUEUE}/cases/{case}/blur", shown="1").text
        post(client, f"{QUEUE}/cases/{case}/decide", decision="advert")
    assert last_decision(engine).decision == "advert"
    assert exposures(engine) == 0


def test_settled_cases_alike_are_shown_with_their_decision(engine: Engine) -> None:
    again = Authored(
        "Fresh 2-MMC in stock, 25 a gram, write to us, we post it the day after", "en", "chat", Intent.SELL, 0.9
    )
    old, new = fill(engine, [POSTS[0], again])
    with writing(engine) as connection:
        decide(connection, old, reviewer="k1/Ada", source="console", decision="advert", now=datetime.now(UTC))
    with opened(engine) as client:
        page = client.get(f"{QUEUE}/cases/{new}").text
    assert f'href="/console/queue/cases/{old}"' in page
    assert re.search(r"<strong>advert</strong>, [3-9]\d % of the wording", page)


@pytest.mark.parametrize("path", ["/cases/999", "/cases/-1", "/cases/99999999999999999999", "/cases/x", "?done=-1"])
def test_numbers_of_no_case_get_a_page_and_no_error(engine: Engine, path: str) -> None:
    with opened(engine) as client:
        answer = client.get(QUEUE + path)
    assert answer.status_code in (404, 422)
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("action", ["next", "claim", "move", "undo", "rested", "cases/1/decide", "cases/1/extend"])
def test_forms_of_other_pages_are_refused(engine: Engine, action: str) -> None:
    fill(engine, POSTS[:1])
    with opened(engine) as client:
        assert client.post(f"{QUEUE}/{action}", data={"case": 1, "decision": "advert"}).status_code == 403
    with engine.connect() as connection:
        assert connection.execute(select(DECISIONS)).all() == []
        assert connection.scalar(select(CASES.c.claimed_by)) is None
