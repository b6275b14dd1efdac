"""The audit chain on both databases: every way to falsify it that we know of is found."""

from __future__ import annotations

import subprocess
import sys

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DatabaseError
from typer.testing import CliRunner

from npsight import app
from serving.audit import FIRST, Event, Head, append, erase, head, records
from serving.audit_check import Check, verify
from serving.store.engine import writing


def add(engine: Engine, *subjects: str) -> Head:
    for subject in subjects:
        with writing(engine) as connection:
            added = append(connection, Event("k1", "decide", "case", subject, {"decision": "allow", "note": "né"}))
    return added


def check(engine: Engine, expected: Head | None = None) -> Check:
    with engine.connect() as connection:
        return verify(connection, expected=expected)


def write(engine: Engine, *statements: str) -> None:
    with writing(engine) as connection:
        for statement in statements:
            connection.execute(text(statement))


def forge(engine: Engine, *statements: str) -> None:
    """Change what the triggers guard, as who owns the database can."""
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE audit DISABLE TRIGGER USER"))
            connection.execute(text("ALTER TABLE salts DROP CONSTRAINT salts_sequence_fkey"))
        else:
            for name in ("audit_no_update", "audit_no_delete", "audit_no_replace"):
                connection.execute(text(f"DROP TRIGGER {name}"))
            connection.execute(text("PRAGMA defer_foreign_keys = ON"))
        for statement in statements:
            connection.execute(text(statement))


def test_records_follow_one_another_from_the_first(engine: Engine) -> None:
    last = add(engine, "1", "2", "3")
    with engine.connect() as connection:
        found = list(records(connection))
        assert head(connection) == last
    assert [record.sequence for record in found] == [1, 2, 3]
    assert [record.previous for record in found] == [FIRST, found[0].hash, found[1].hash]
    assert found[0].details == '{"decision":"allow","note":"n\\u00e9"}'
    assert check(engine) == Check(head=last)


def test_an_empty_chain_is_whole(engine: Engine) -> None:
    assert check(engine, Head()).faults == []
    assert str(check(engine).head) == f"0:{FIRST}"


def test_equal_details_have_different_digests(engine: Engine) -> None:
    add(engine, "1", "2")
    with engine.connect() as connection:
        assert len({record.digest for record in records(connection)}) == 2


def test_a_record_is_kept_with_what_it_records_or_not_at_all(engine: Engine) -> None:
    add(engine, "1")
    with engine.connect() as connection:
        append(connection, Event("k1", "decide", "case", "2", {}))
        connection.rollback()
    assert check(engine).head.sequence == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'nobody' WHERE sequence = 1",
        "DELETE FROM audit WHERE sequence = 2",
        "DELETE FROM audit",
    ],
)
def test_the_database_itself_refuses_to_change_the_chain(engine: Engine, statement: str) -> None:
    last = add(engine, "1", "2")
    with pytest.raises(DatabaseError, match="append-only"):
        write(engine, "DELETE FROM salts", statement)
    assert check(engine) == Check(head=last)


def test_the_database_itself_refuses_to_replace_or_truncate(engine: Engine) -> None:
    last = add(engine, "1")
    sqlite = (
        "INSERT OR REPLACE INTO audit SELECT sequence, time, 'x', action, subject_kind, subject_id, digest, previous"
    )
    statement = f"{sqlite}, hash FROM audit" if engine.dialect.name == "sqlite" else "TRUNCATE audit CASCADE"
    with pytest.raises(DatabaseError, match="append-only"):
        write(engine, statement)
    assert check(engine) == Check(head=last)


def test_the_database_itself_refuses_a_fork(engine: Engine) -> None:
    add(engine, "1")
    columns = "time, actor, action, subject_kind, subject_id, digest, previous"
    with pytest.raises(DatabaseError, match=r"append-only|unique constraint"):
        write(engine, f"INSERT INTO audit SELECT 2, {columns}, 'other' FROM audit")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("time", "2020-01-01T00:00:00.000000+00:00"),
        ("time", "nonsense"),
        ("actor", "somebody"),
        ("action", "allow"),
        ("subject_kind", "key"),
        ("subject_id", "7"),
        ("digest", "0" * 64),
        ("hash", "ä" * 64),
        ("previous", "1" * 64),
    ],
)
def test_an_altered_field_is_found(engine: Engine, column: str, value: str) -> None:
    add(engine, "1", "2", "3")
    forge(engine, f"UPDATE audit SET {column} = '{value}' WHERE sequence = 2")
    assert check(engine).faults[0].startswith("record 2 ")


CUT = "DELETE FROM salts WHERE sequence {0}; DELETE FROM audit WHERE sequence {0}"


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (CUT.format("= 2"), "record 3 found after record 1: what stood between is missing"),
        (CUT.format("= 1"), "record 2 found after record 0: what stood between is missing"),
        (
            CUT.format("= 2")
            + "; UPDATE audit SET sequence = 2 WHERE sequence = 3; UPDATE salts SET sequence = 2 WHERE sequence = 3",
            "record 2 does not follow",
        ),
        (
            "UPDATE audit SET sequence = -2 WHERE sequence = 2; UPDATE audit SET sequence = 2 WHERE sequence = 3;"
            "UPDATE audit SET sequence = 3 WHERE sequence = -2",
            "record 2 does not follow from the record before",
        ),
        ("UPDATE salts SET salt = '7' WHERE sequence = 2", "record 2 has other details or another salt"),
        ("UPDATE salts SET details = '{}' WHERE sequence = 2", "record 2 has other details or another salt"),
        ("DELETE FROM salts WHERE sequence = 2", "record 2 has lost its details, and no erasure names it"),
    ],
)
def test_a_forgery_is_found(engine: Engine, statements: str, said: str) -> None:
    add(engine, "1", "2", "3")
    forge(engine, *statements.split(";"))
    assert check(engine).faults[0].startswith(said)


@pytest.mark.parametrize("kept", [0, 2])
def test_a_cut_end_is_found_by_a_head_noted_earlier(engine: Engine, kept: int) -> None:
    noted = add(engine, "1", "2", "3")
    forge(engine, *CUT.format(f"> {kept}").split(";"))
    assert check(engine).faults == []
    assert check(engine, noted).faults == [
        f"the noted head {noted} is not in the chain: its end was cut off or written anew"
    ]


def test_a_head_noted_earlier_stays_valid_while_the_chain_grows(engine: Engine) -> None:
    noted = add(engine, "1")
    add(engine, "2", "3")
    assert check(engine, Head.read(str(noted))).faults == []


def test_an_erased_subject_leaves_no_details_and_verifies_as_erased(engine: Engine) -> None:
    add(engine, "1", "2", "1")
    with writing(engine) as connection:
        assert erase(connection, "case", "1", actor="k2") == 2
    found = check(engine)
    assert (found.faults, found.without, found.erased) == ([], {1, 3}, {1, 3})
    with engine.connect() as connection:
        last = list(records(connection, last=1))[-1]
        assert connection.execute(text("SELECT sequence FROM salts ORDER BY 1")).scalars().all() == [2, 4]
    assert (last.action, last.subject_id, last.actor, last.details) == ("erase", "1", "k2", '{"records":[1,3]}')


def test_erasing_again_erases_no_erasure(engine: Engine) -> None:
    add(engine, "1")
    for expected in (1, 0):
        with writing(engine) as connection:
            assert erase(connection, "case", "1", actor="k2") == expected
    assert check(engine).faults == []


def test_erased_details_that_come_back_are_found(engine: Engine) -> None:
    add(engine, "1")
    with engine.connect() as connection:
        salt, details = connection.execute(text("SELECT salt, details FROM salts")).one()
    with writing(engine) as connection:
        erase(connection, "case", "1", actor="k2")
    with writing(engine) as connection:
        values = {"salt": salt, "details": details}
        connection.execute(text("INSERT INTO salts VALUES (1, :salt, :details)"), values)
    assert check(engine).faults == ["record 2 erased the details of 1, and they are back"]


def test_two_processes_that_write_at_once_make_one_chain(engine: Engine, database_url: str) -> None:
    program = """
import sys
from serving.audit import Event, append
from serving.store.engine import open_engine, writing
engine = open_engine(sys.argv[1])
for number in range(100):
    with writing(engine) as connection:
        append(connection, Event(sys.argv[2], "decide", "case", str(number), {}))
"""
    started = [subprocess.Popen([sys.executable, "-c", program, database_url, name]) for name in ("a", "b")]
    assert [process.wait(60) for process in started] == [0, 0]
    found = check(engine)
    assert (found.faults, found.head.sequence) == ([], 200)
    with engine.connect() as connection:
        actors = [record.actor for record in records(connection)]
    assert actors.count("a") == actors.count("b") == 100


@pytest.mark.parametrize("words", ["", "12", "x:" + "0" * 64, "1:0", "-1:" + "0" * 64, "\u0661:" + "0" * 64])
def test_what_is_no_head_is_refused(words: str) -> None:
    with pytest.raises(ValueError, match="is no head"):
        Head.read(words)


def test_the_verbs_show_and_prove(engine: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPSIGHT_DATABASE_URL", database_url)
    noted = add(engine, "1", "2")
    run = CliRunner().invoke
    assert run(app, ["audit", "verify", "--head", str(noted)]).output == (
        f"whole: 2 records, 0 of them erased\nhead: {noted}\n"
    )
    assert '  k1  decide  case:2  {"decision":"allow"' in run(app, ["audit", "show", "--last", "1"]).output
    forge(engine, "UPDATE audit SET actor = 'x' WHERE sequence = 1")
    broken = run(app, ["audit", "verify"])
    assert broken.exit_code == 1
    assert "broken: record 1 was altered\nBROKEN: 2 records" in broken.output
