"""Make the review queue, its decisions, pseudonym keys, shadow, tallies, and the console's sessions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "m0002"
down_revision = "m0001"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SQLITE = (
    "CREATE TRIGGER decisions_no_update BEFORE UPDATE ON decisions"
    " BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END",
    "CREATE TRIGGER decisions_no_delete BEFORE DELETE ON decisions"
    " BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END",
    "CREATE TRIGGER decisions_no_replace BEFORE INSERT ON decisions WHEN EXISTS"
    " (SELECT 1 FROM decisions WHERE id = NEW.id OR (NEW.undoes IS NOT NULL AND undoes = NEW.undoes))"
    " BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END",
)
POSTGRESQL = (
    "CREATE FUNCTION decisions_refuse() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION 'decisions are append-only'; END $$",
    "CREATE TRIGGER decisions_no_change BEFORE UPDATE OR DELETE ON decisions"
    " FOR EACH ROW EXECUTE FUNCTION decisions_refuse()",
    "CREATE TRIGGER decisions_no_truncate BEFORE TRUNCATE ON decisions"
    " FOR EACH STATEMENT EXECUTE FUNCTION decisions_refuse()",
)


def upgrade() -> None:
    """Make the tables, then what guards the decisions."""
    _review()
    _decisions()
    _passing()
    _console()
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)


def _review() -> None:
    """Make what flagged posts are kept in."""
    op.create_table(
        "secrets",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("purpose", sa.String(20), nullable=False),
        sa.Column("secret", sa.String(64), nullable=False),
        sa.Column("created", sa.String(32), nullable=False),
        sa.Column("retired", sa.String(32)),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "cases",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("opened", sa.String(32), nullable=False),
        sa.Column("newest", sa.String(32), nullable=False),
        sa.Column("settled", sa.String(32)),
        sa.Column("copies", sa.Integer(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("harm", sa.Float(), nullable=False),
        sa.Column("uncertainty", sa.Float(), nullable=False),
        sa.Column("lang", sa.String(20)),
        sa.Column("platform", sa.String(100)),
        sa.Column("shown", NUMBER),
        sa.Column("claimed_by", sa.String(100)),
        sa.Column("claimed_until", sa.String(32)),
        sa.Column("signature", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("cases_by_state", "cases", ["state", "harm"], unique=False)
    op.create_table(
        "bands",
        sa.Column("case_id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("band", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(16), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"]),
        sa.PrimaryKeyConstraint("case_id", "band"),
    )
    op.create_index("bands_by_hash", "bands", ["hash"], unique=False)
    op.create_table(
        "judged",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("case_id", NUMBER),
        sa.Column("time", sa.String(32), nullable=False),
        sa.Column("post_id", sa.String(300), nullable=False),
        sa.Column("author", sa.String(80)),
        sa.Column("platform", sa.String(100)),
        sa.Column("country", sa.String(2)),
        sa.Column("lang", sa.String(20)),
        sa.Column("decision", sa.String(10), nullable=False),
        sa.Column("advert_probability", sa.Float(), nullable=False),
        sa.Column("prevalence", sa.Float()),
        sa.Column("intent", sa.String(20), nullable=False),
        sa.Column("span_kinds", sa.String(200), nullable=False),
        sa.Column("substances", sa.Text(), nullable=False),
        sa.Column("warnings", sa.Text(), nullable=False),
        sa.Column("release", sa.String(100), nullable=False),
        sa.Column("lexicon", sa.String(100), nullable=False),
        sa.Column("policy", sa.String(100), nullable=False),
        sa.Column("caller", sa.String(100), nullable=False),
        sa.Column("weight", sa.Float()),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_judged_author", "judged", ["author"], unique=False)
    op.create_index("ix_judged_case_id", "judged", ["case_id"], unique=False)
    op.create_index("ix_judged_post_id", "judged", ["post_id"], unique=False)
    op.create_index("ix_judged_time", "judged", ["time"], unique=False)
    op.create_table(
        "texts",
        sa.Column("judged_id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["judged_id"], ["judged.id"]),
        sa.PrimaryKeyConstraint("judged_id"),
    )


def _decisions() -> None:
    """Make what people say of them."""
    op.create_table(
        "decisions",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("case_id", NUMBER, nullable=False),
        sa.Column("time", sa.String(32), nullable=False),
        sa.Column("reviewer", sa.String(100), nullable=False),
        sa.Column("source", sa.String(20), nullable=False),
        sa.Column("decision", sa.String(20), nullable=False),
        sa.Column("intent", sa.String(20)),
        sa.Column("spans", sa.Text()),
        sa.Column("appeal", sa.String(20)),
        sa.Column("copies", sa.Integer(), nullable=False),
        sa.Column("undoes", NUMBER),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"]),
        sa.ForeignKeyConstraint(["undoes"], ["decisions.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("undoes"),
    )
    op.create_index("ix_decisions_case_id", "decisions", ["case_id"], unique=False)
    op.create_index("ix_decisions_time", "decisions", ["time"], unique=False)
    op.create_table(
        "notes",
        sa.Column("decision_id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"]),
        sa.PrimaryKeyConstraint("decision_id"),
    )
    op.create_table(
        "answered",
        sa.Column("caller", sa.String(100), nullable=False),
        sa.Column("idempotency_key", sa.String(200), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("time", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("caller", "idempotency_key"),
    )


def _passing() -> None:
    """Make what counts and compares what passes through."""
    op.create_table(
        "shadowed",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("time", sa.String(32), nullable=False),
        sa.Column("judged_id", NUMBER),
        sa.Column("post_id", sa.String(300), nullable=False),
        sa.Column("platform", sa.String(100)),
        sa.Column("lang", sa.String(20)),
        sa.Column("policy", sa.String(100), nullable=False),
        sa.Column("release", sa.String(100), nullable=False),
        sa.Column("decision", sa.String(10), nullable=False),
        sa.Column("advert_probability", sa.Float(), nullable=False),
        sa.Column("challenger", sa.String(100), nullable=False),
        sa.Column("challenger_decision", sa.String(10), nullable=False),
        sa.Column("challenger_probability", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["judged_id"], ["judged.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_shadowed_time", "shadowed", ["time"], unique=False)
    op.create_table(
        "tallies",
        sa.Column("hour", sa.String(13), nullable=False),
        sa.Column("release", sa.String(100), nullable=False),
        sa.Column("policy", sa.String(100), nullable=False),
        sa.Column("measure", sa.String(30), nullable=False),
        sa.Column("value", sa.String(200), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "release", "policy", "measure", "value"),
    )


def _console() -> None:
    """Make what the console remembers of who is signed in."""
    op.create_table(
        "sessions",
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("key_id", sa.String(12), nullable=False),
        sa.Column("reviewer", sa.String(100), nullable=False),
        sa.Column("created", sa.String(32), nullable=False),
        sa.Column("expires", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["api_keys.id"]),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_table(
        "exposures",
        sa.Column("reviewer", sa.String(100), nullable=False),
        sa.Column("hour", sa.String(13), nullable=False),
        sa.Column("shown", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("reviewer", "hour"),
    )
