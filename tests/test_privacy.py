"""Pseudonyms, retention and erasure on both databases: what must be gone is gone, and what must stay stays."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, Table, func, insert, select
from typer.testing import CliRunner

from models.verdict import INTENTS, Decision, Post, Verdict
from npsight import app
from serving import audit
from serving.audit_check import verify
from serving.review import pseudonyms
from serving.review.erasure import Erased, erase_author, erase_post
from serving.review.judged import Case, keep
from serving.review.pseudonyms import Purpose, author_hashes, in_use, rotate
from serving.review.purge import Ages, flush, purge
from serving.store.engine import open_engine, writing
from serving.store.tables import (
    ANSWERED,
    API_KEYS,
    BANDS,
    CASES,
    DECISIONS,
    EXPOSURES,
    JUDGED,
    METADATA,
    NOTES,
    SECRETS,
    SESSIONS,
    SHADOWED,
    TALLIES,
    TEXTS,
)

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
AGES = Ages(text_days=90, record_days=730)
ADVERT = "Fresh batch of quuxine landed today, vacuum sealed packs, write to @zorple_example for the menu"
OTHER = "Couriers wanted for weekly parcels of wibblex, good pay, no questions, ask at the usual place"
AUTHOR = "author-frobnicate-77"


def kept(engine: Engine, post_id: str, text: str = ADVERT, *, days: float = 0, author: str | None = AUTHOR) -> int:
    """Keep one flagged post as it was so many days ago, and give its case."""
    verdict = Verdict(post_id, Decision.REVIEW, 0.9, dict.fromkeys(INTENTS, 0.1), policy="default@1")
    case = Case(Post(post_id, text, author=author, platform="forum"), verdict, "k1", NOW - timedelta(days), None, None)
    (judged_id,) = keep(engine, [case], days=30, lock_seconds=2, given_up=threading.Event())
    with engine.connect() as connection:
        return int(connection.execute(select(JUDGED.c.case_id).where(JUDGED.c.id == judged_id)).scalar_one())


def decided(engine: Engine, case_id: int, note: str, *, days: float = 0) -> None:
    row = {"case_id": case_id, "time": NOW - timedelta(days), "reviewer": "k2", "source": "api", "decision": "advert"}
    with writing(engine) as connection:
        number = connection.execute(insert(DECISIONS).values(**row, copies=1).returning(DECISIONS.c.id)).scalar_one()
        connection.execute(insert(NOTES).values(decision_id=number, note=note))
        audit.append(connection, audit.Event("k2", "case.advert", "case", str(case_id), {"decision": number}))


def shadowed(engine: Engine, post_id: str, *, judged_id: int | None = None, days: float = 0) -> None:
    row: dict[str, Any] = {
        "time": NOW - timedelta(days),
        "judged_id": judged_id,
        "post_id": post_id,
        "platform": "forum",
    }
    row |= {"policy": "p", "release": "r", "decision": "allow", "advert_probability": 0.1}
    row |= {"challenger": "c", "challenger_decision": "allow", "challenger_probability": 0.1}
    with writing(engine) as connection:
        connection.execute(insert(SHADOWED).values(row))


def rows(engine: Engine, table: Table) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(select(table).order_by(*table.primary_key)))


def counts(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in METADATA.tables.items()
        }


def erase(engine: Engine, **what: Any) -> Erased:
    with writing(engine) as connection:
        if "author" in what:
            return erase_author(connection, what["author"], actor="test")
        return erase_post(connection, what.pop("post"), actor="test", **what)


def test_one_author_has_one_hash_under_one_secret_and_another_under_the_next(engine: Engine) -> None:
    first = in_use(engine, NOW)
    assert first.authors.author("a") == in_use(engine, NOW).authors.author("a") != first.authors.author("b")
    with writing(engine) as connection:
        made = rotate(connection, Purpose.AUTHORS, actor="test", now=NOW)
    after = in_use(engine, NOW)
    assert after.authors.id == made.id
    assert after.contacts == first.contacts
    assert after.authors.author("a").partition(":")[2] != first.authors.author("a").partition(":")[2]
    with engine.connect() as connection:
        assert author_hashes(connection, "a") == [first.authors.author("a"), after.authors.author("a")]
        (record,) = audit.records(connection)
    assert (record.action, record.subject_kind, record.subject_id) == ("rotate", "secret", str(made.id))
    assert made.key.hex() not in repr(made) + str(record.details)


def test_workers_that_start_together_make_each_secret_once(engine: Engine) -> None:
    threads = [threading.Thread(target=in_use, args=(engine, NOW)) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert [row.purpose for row in rows(engine, SECRETS)] == ["authors", "contacts"]


@pytest.mark.parametrize("author", ["", "'; DROP TABLE secrets; --", "\U0001f48a" * 200, "lone \ud800"])
def test_any_author_can_be_hashed_and_none_is_readable(author: str) -> None:
    digest = pseudonyms.Secret(7, bytes(32)).author(author)
    assert digest.startswith("7:")
    assert len(digest) == 34


def test_purge_deletes_what_is_too_old_and_leaves_the_rest(engine: Engine) -> None:
    old = kept(engine, "old", days=91)
    decided(engine, old, "an old note", days=91)
    decided(engine, old, "a new note")
    kept(engine, "new", OTHER)
    purge(engine, AGES, actor="test", now=NOW)
    assert [row.note for row in rows(engine, NOTES)] == ["a new note"]
    assert [json.loads(row.verdict)["id"] for row in rows(engine, TEXTS)] == ["new"]
    first, second = rows(engine, CASES)
    assert (first.shown, first.signature) == (None, None)
    assert second.shown is not None
    assert {row.case_id for row in rows(engine, BANDS)} == {second.id}
    assert [row.post_id for row in rows(engine, JUDGED)] == ["old", "new"]
    with engine.connect() as connection:
        assert verify(connection).faults == []
        assert [record.action for record in audit.records(connection)][-1] == "purge"


def test_a_case_whose_shown_copy_is_too_old_shows_a_newer_one_and_still_takes_copies(engine: Engine) -> None:
    case_id = kept(engine, "old", days=100)
    assert kept(engine, "newer", ADVERT + " now", days=80) == case_id
    purge(engine, AGES, actor="test", now=NOW)
    (case,) = rows(engine, CASES)
    assert case.shown == rows(engine, JUDGED)[1].id
    assert kept(engine, "copy", ADVERT + " now!", days=79) == case_id


def test_records_go_after_their_time_and_a_decided_case_stays_for_its_decision(engine: Engine) -> None:
    decided(engine, kept(engine, "decided", days=800), "note", days=800)
    kept(engine, "undecided", OTHER, days=800)
    shadowed(engine, "s", judged_id=rows(engine, JUDGED)[0].id, days=700)
    purge(engine, AGES, actor="test", now=NOW)
    assert rows(engine, JUDGED) == rows(engine, SHADOWED) == rows(engine, NOTES) == []
    assert [row.id for row in rows(engine, CASES)] == [row.case_id for row in rows(engine, DECISIONS)]


def test_what_passes_is_purged_by_its_own_age(engine: Engine) -> None:
    old, new = NOW - timedelta(days=31), NOW - timedelta(days=1)
    key = {"id": "k1", "name": "n", "scopes": "review", "salt": "s", "hash": "h", "created": old}
    answered = {"caller": "k1", "digest": "d", "answer": "{}"}
    tally = {"release": "r", "policy": "p", "measure": "m", "value": "v", "count": 1}
    with writing(engine) as connection:
        connection.execute(insert(API_KEYS).values(key))
        for moment in (old, new):
            session = {"hash": str(moment), "key_id": "k1", "reviewer": "k1", "created": old}
            connection.execute(insert(SESSIONS).values(**session, expires=moment + timedelta(days=2)))
            connection.execute(insert(ANSWERED).values(**answered, idempotency_key=str(moment), time=moment))
            connection.execute(insert(EXPOSURES).values(reviewer="k1", hour=f"{moment:%Y-%m-%dT%H}", shown=3))
        for hour in ("2024-11-30T09", "2026-11-30T09"):
            connection.execute(insert(TALLIES).values(**tally, hour=hour))
        for retired in (NOW - timedelta(days=731), NOW - timedelta(days=1), None):
            row = {"purpose": "authors", "secret": "00", "created": old, "retired": retired}
            connection.execute(insert(SECRETS).values(row))
    counted = purge(engine, AGES, actor="test", now=NOW, dry_run=True)
    assert counts(engine)["secrets"] == 3
    deleted = purge(engine, AGES, actor="test", now=NOW)
    wanted = {"sessions": 1, "answered": 1, "exposures": 1, "tallies": 1, "secrets": 1}
    assert {name: counted[name] for name in wanted} == {name: deleted[name] for name in wanted} == wanted
    assert {name: counts(engine)[name] for name in wanted} == wanted | {"secrets": 2}


def test_a_purge_of_many_rows_takes_them_all_and_a_second_one_finds_nothing(engine: Engine) -> None:
    verdict = Verdict("p", Decision.REVIEW, 0.9, dict.fromkeys(INTENTS, 0.1))
    cases = [Case(Post(f"p{at}", ADVERT), verdict, "k1", NOW - timedelta(days=800), None, None) for at in range(1201)]
    keep(engine, cases, days=30, lock_seconds=2, given_up=threading.Event())
    assert purge(engine, AGES, actor="test", now=NOW)["judged"] == 1201
    assert not any(purge(engine, AGES, actor="test", now=NOW).values())
    with engine.connect() as connection:
        assert audit.head(connection).sequence == 1


def test_an_erased_post_leaves_no_text_no_author_no_id_and_a_chain_that_holds(engine: Engine) -> None:
    case_id = kept(engine, "post-1")
    decided(engine, case_id, "quotes quuxine")
    shadowed(engine, "post-1")
    kept(engine, "post-2", OTHER)
    assert erase(engine, post="post-1") == Erased(verdicts=1, cases=1, records=1)
    erased, other = rows(engine, JUDGED)
    assert (erased.post_id, erased.author, erased.decision) == ("", None, "review")
    assert (other.post_id, other.author is None) == ("post-2", False)
    assert [row.judged_id for row in rows(engine, TEXTS)] == [other.id]
    assert rows(engine, NOTES) == []
    assert rows(engine, SHADOWED)[0].post_id == ""
    assert (rows(engine, CASES)[0].shown, rows(engine, CASES)[0].signature) == (None, None)
    with engine.connect() as connection:
        check = verify(connection)
        assert [record.action for record in audit.records(connection)] == ["case.advert", "erase", "erase"]
    assert (check.faults, check.without) == ([], {1})


def test_an_erased_author_is_found_under_retired_secrets_and_other_copies_stay(engine: Engine) -> None:
    case_id = kept(engine, "theirs-1")
    with writing(engine) as connection:
        rotate(connection, Purpose.AUTHORS, actor="test", now=NOW)
    kept(engine, "theirs-2", OTHER)
    assert kept(engine, "not-theirs", ADVERT + " now", author="somebody else") == case_id
    decided(engine, case_id, "note")
    assert erase(engine, author=AUTHOR) == Erased(verdicts=2, cases=2, records=0)  # a decision on another's post, too
    found = rows(engine, JUDGED)
    assert [row.post_id for row in found] == ["", "", "not-theirs"]
    shared = rows(engine, CASES)[0]
    assert shared.shown == found[2].id
    assert kept(engine, "again", ADVERT + " now!", author=None) == case_id
    assert rows(engine, NOTES) == []


def test_a_post_of_another_platform_with_the_same_id_stays(engine: Engine) -> None:
    kept(engine, "7")
    assert erase(engine, post="7", platform="elsewhere") == Erased(0, 0, 0)
    assert erase(engine, post="7", platform="forum").verdicts == 1


@pytest.mark.parametrize("what", ["' OR 1=1 --", "%", "*", "x" * 100_000])
def test_what_nobody_sent_erases_nothing(engine: Engine, what: str) -> None:
    kept(engine, "post-1")
    before = counts(engine)
    assert erase(engine, post=what) == erase(engine, author=what) == Erased(0, 0, 0)
    assert counts(engine) == before


@pytest.mark.parametrize("by", ["author", "post"])
def test_no_byte_of_what_was_erased_is_left_in_the_file(tmp_path: Path, by: str) -> None:
    from serving.store.upgrade import upgrade

    engine = open_engine(f"sqlite:///{tmp_path}/npsight.db")
    upgrade(engine)
    for at in range(60):  # neighbours, so that pages split and are written anew
        kept(engine, f"other-{at}", f"{OTHER} {'x' * at}", author=f"somebody {at}")
    long = " ".join([ADVERT, *(f"glorbish{at}" for at in range(2000))])  # longer than a page
    case_id = kept(engine, "post-frobnicate-1", long)
    decided(engine, case_id, "says quuxine and glorbish7")
    with engine.connect() as connection:
        (hashed,) = author_hashes(connection, AUTHOR)
    gone = [b"quuxine", b"glorbish", b"post-frobnicate-1", hashed.encode()]
    flush(engine)
    before = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert all(word in before for word in gone)
    assert erase(engine, **({"author": AUTHOR} if by == "author" else {"post": "post-frobnicate-1"})).verdicts == 1
    flush(engine)
    after = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert [word for word in gone if word in after] == []
    assert b"wibblex" in after
    engine.dispose()


def run(engine: Engine, monkeypatch: pytest.MonkeyPatch, *words: str) -> Any:
    monkeypatch.setenv("NPSIGHT_DATABASE_URL", engine.url.render_as_string(hide_password=False))
    return CliRunner().invoke(app, list(words))


def test_the_verbs_do_what_they_say(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(engine, "post-1", days=10_000)
    dry = run(engine, monkeypatch, "purge", "--dry-run")
    assert "texts: 1" in dry.output
    assert "a dry run" in dry.output
    assert "erased: 1 verdicts in 1 cases" in run(engine, monkeypatch, "erase", "--author", AUTHOR).output
    assert "nothing is kept of it" in run(engine, monkeypatch, "erase", "--post", "post-1").output
    assert (
        "rotated: authors are hidden by secret"
        in run(engine, monkeypatch, "secrets", "rotate", "--purpose", "authors").output
    )
    assert "judged: 1" in run(engine, monkeypatch, "purge").output
    assert run(engine, monkeypatch, "audit", "verify").exit_code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("erase",), "wanted one of --author and --post"),
        (("erase", "--author", "a", "--post", "p"), "wanted one of --author and --post"),
        (("erase", "--author", "a", "--platform", "p"), "--platform goes with --post only"),
        (("secrets", "rotate", "--purpose", "keys"), "is no purpose of a secret"),
    ],
)
def test_words_that_fit_nothing_are_refused(words: tuple[str, ...], said: str) -> None:
    refused = CliRunner().invoke(app, list(words))
    assert refused.exit_code != 0
    assert said in refused.output
