"""The store on both databases: its steps, its promises, and what it says when something is wrong."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import OperationalError

from serving.audit import records
from serving.audit_check import verify
from serving.store.engine import open_engine, shown, writing
from serving.store.tables import METADATA
from serving.store.upgrade import OutdatedError, newest, prepare, upgrade

HUSH = "hush-hush"


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


def set_revision(engine: Engine, revision: str) -> None:
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def test_the_steps_lead_to_the_tables_that_the_code_names(engine: Engine) -> None:
    assert upgrade(engine) == newest()
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_upgrading_twice_changes_nothing(engine: Engine) -> None:
    upgrade(engine)
    before = inspect(engine).get_table_names()
    upgrade(engine)
    assert inspect(engine).get_table_names() == before


def test_a_new_sqlite_file_is_upgraded_and_a_new_postgresql_is_refused_with_advice(engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        prepare(engine)
        assert "audit" in inspect(engine).get_table_names()
    else:
        with pytest.raises(OutdatedError, match=r"at nothing, wanted .*: run npsight store upgrade"):
            prepare(engine)


def test_tables_of_a_newer_version_are_used_and_never_upgraded(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    upgrade(engine)
    set_revision(engine, "m9999")
    prepare(engine)
    assert "upgraded by a newer npsight (m9999)" in caplog.text
    with pytest.raises(ValueError, match="upgraded by a newer npsight"):
        upgrade(engine)


def test_processes_that_start_together_upgrade_once(database_url: str) -> None:
    program = "import sys; from serving.store.engine import *; from serving.store.upgrade import *; "
    program += "print(upgrade(open_engine(sys.argv[1])))"
    started = [
        subprocess.Popen([sys.executable, "-c", program, database_url], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = [process.communicate(timeout=60)[0].strip() for process in started]
    assert said == [newest()] * 3


def test_a_transaction_that_fails_leaves_nothing(engine: Engine) -> None:
    upgrade(engine)

    def fail() -> None:
        with writing(engine) as connection:
            connection.execute(text("CREATE TABLE half (a int)"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert "half" not in inspect(engine).get_table_names()


def test_sqlite_is_set_to_keep_what_it_acknowledged(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/new/npsight.db")
    with engine.connect() as connection:
        found = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "secure_delete")
        ]
    engine.dispose()
    assert found == ["wal", 2, 1, 5000, 1]


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/new/npsight.db")
    upgrade(engine)
    engine.dispose()
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("new", "new/npsight.db")] == [0o700, 0o600]


def test_a_second_writer_waits_for_the_first(engine: Engine) -> None:
    upgrade(engine)
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE turns (name text)"))
    order = []

    def second() -> None:
        with writing(engine) as connection:
            connection.execute(text("INSERT INTO turns VALUES ('second')"))
        order.append("second")

    waiting = threading.Thread(target=second)
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("LOCK TABLE turns"))
        waiting.start()
        time.sleep(0.1)
        order.append("first")
    waiting.join(10)
    assert order == ["first", "second"]


def test_a_killed_writer_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/npsight.db"
    program = """
import itertools, sys
from serving.audit import Event, append
from serving.store.engine import open_engine, writing
from serving.store.upgrade import upgrade
engine = open_engine(sys.argv[1])
upgrade(engine)
for number in itertools.count(1):
    with writing(engine) as connection:
        append(connection, Event("test", "decide", "case", str(number), {"decision": "allow"}))
    print(number, flush=True)
"""
    writer = subprocess.Popen([sys.executable, "-c", program, url], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    acknowledged = [writer.stdout.readline() for _ in range(50)]
    os.kill(writer.pid, signal.SIGKILL)
    acknowledged += [line for line in writer.stdout if line.endswith("\n")]
    writer.stdout.close()
    assert writer.wait(10) == -signal.SIGKILL
    engine = open_engine(url)
    with engine.connect() as connection:
        kept = [record.subject_id for record in records(connection)]
        assert not verify(connection).faults
    engine.dispose()
    assert kept[: len(acknowledged)] == [line.strip() for line in acknowledged]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"mysql://u:{HUSH}@h/d", "begins with 'mysql': wanted sqlite or postgresql"),
        (f"{HUSH} no address", "is no URL"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:///file:x?mode=memory&uri=true", "names no file"),
    ],
)
def test_an_address_that_cannot_serve_is_refused_without_its_password(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as raised:
        open_engine(url)
    assert HUSH not in str(raised.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_every_spelling_of_postgresql_means_psycopg_and_shows_no_password(scheme: str) -> None:
    engine = open_engine(f"{scheme}://u:{HUSH}@h/d")
    assert shown(engine) == "postgresql+psycopg://u:***@h/d"


def test_a_database_that_is_gone_is_said_soon_and_without_values() -> None:
    started = time.monotonic()
    with pytest.raises(OperationalError) as raised, open_engine(f"postgresql://u:{HUSH}@127.0.0.1:1/d").connect():
        pass
    assert time.monotonic() - started < 5
    assert HUSH not in str(raised.value)


def test_a_second_engine_in_one_process_leaves_the_locks_of_the_first_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'npsight.db'}"
    first = open_engine(url)
    upgrade(first)
    with first.connect():  # holds SQLite's lock on the file, by which others know that it is in use
        open_engine(url).dispose()
        other = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT 1 FROM api_keys'); c.close()"
        subprocess.run([sys.executable, "-c", other, str(tmp_path / "npsight.db")], check=True)
        assert (tmp_path / "npsight.db-wal").exists()  # who closes last takes it away; that was not the other one
    first.dispose()
