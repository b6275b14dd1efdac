"""What Alembic runs for every command: the steps go over the connection that `serving.store.upgrade` hands in."""

from __future__ import annotations

from alembic import context

from serving.store.tables import METADATA

# SQLite can take back DDL too, since our engine begins transactions itself: a step that fails leaves nothing behind.
context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
