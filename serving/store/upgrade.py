"""Bring the tables to what this version needs. Alembic's steps go over one connection, in one transaction."""

from __future__ import annotations

import logging
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from serving.store.engine import UPGRADING, lock, shown, writing

log = logging.getLogger("npsight.serving")
MIGRATIONS = Path(__file__).parent / "migrations"


class OutdatedError(ValueError):
    """The tables are older than this version of npsight."""


def upgrade(engine: Engine) -> str:
    """Run the steps that are missing and give the newest one's name; who comes second waits and finds nothing to do."""
    config = _config()
    with writing(engine) as connection:
        lock(connection, UPGRADING)
        if not _known(MigrationContext.configure(connection).get_current_revision()):
            raise ValueError(f"{shown(engine)}: was upgraded by a newer npsight, and is left as it is")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return newest()


def newest() -> str:
    """Name the step that this version needs."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def prepare(engine: Engine) -> None:
    """Upgrade SQLite, and ask for it on PostgreSQL, where several machines share the tables and one must decide.

    Steps only add, so tables of a newer npsight are taken as they are: a service can be rolled back.
    """
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found == newest():
        return
    if not _known(found):
        log.warning("the store was upgraded by a newer npsight (%s); this one goes on with what it knows", found)
    elif engine.dialect.name == "sqlite":
        upgrade(engine)
    else:
        raise OutdatedError(f"The store is at {found or 'nothing'}, wanted {newest()}: run npsight store upgrade")


def _known(revision: str | None) -> bool:
    script = ScriptDirectory.from_config(_config())
    return revision is None or revision in {step.revision for step in script.walk_revisions()}


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))  # a percent sign would be expanded
    return config
