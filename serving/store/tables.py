"""The tables, as SQLAlchemy Core has them. A change needs a step in `migrations/versions`; a test compares both."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

METADATA = MetaData()


class Moment(TypeDecorator[datetime]):
    """A time as text in UTC of one width: it sorts, it is the same in every database, and a hash can cover it."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """Write it out."""
        return None if value is None else moment_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        """Read it back."""
        return None if value is None else datetime.fromisoformat(value)


def moment_text(moment: datetime) -> str:
    """Write a time that knows its zone as it is stored and hashed."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment}: found a time without a zone, wanted one with it")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def hour_text(moment: datetime) -> str:
    """Name the hour of a time that knows its zone, in UTC, as the tables that count by the hour have it."""
    return moment_text(moment)[: len("2026-12-01T09")]


API_KEYS = Table(
    "api_keys",
    METADATA,
    Column("id", String(12), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("scopes", String(100), nullable=False),  # words with spaces between, as OAuth writes them
    Column("salt", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("created", Moment, nullable=False),
    Column("expires", Moment),
    Column("revoked", Moment),
    Column("last_used", Date),  # a day says whether a key is in use; more would be a diary of a person's work
)

# Append-only: triggers of the first migration refuse UPDATE and DELETE. `previous` is unique, so no chain can fork.
AUDIT = Table(
    "audit",
    METADATA,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("time", String(32), nullable=False),  # `moment_text`; as text, so that the hash covers what is stored
    Column("actor", String(100), nullable=False),
    Column("action", String(50), nullable=False),
    Column("subject_kind", String(50), nullable=False),
    Column("subject_id", String(200), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("previous", String(64), nullable=False, unique=True),
    Column("hash", String(64), nullable=False, unique=True),
)

# What erasure deletes: without its salt, the digest in the chain says nothing of the details any more.
SALTS = Table(
    "salts",
    METADATA,
    Column("sequence", BigInteger, ForeignKey("audit.sequence"), primary_key=True, autoincrement=False),
    Column("salt", String(64), nullable=False),
    Column("details", Text, nullable=False),
)

NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""A row's own number, counted up by the database; SQLite does that for its own integer type only."""

# What pseudonyms are made with: `authors` hashes author ids, `contacts` masks contacts in stored text. The newest that
# is not retired is in use; a retired one still finds what was stored under it, until purge deletes it.
SECRETS = Table(
    "secrets",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    Column("purpose", String(20), nullable=False),
    Column("secret", String(64), nullable=False),
    Column("created", Moment, nullable=False),
    Column("retired", Moment),
)

# A campaign: near copies of one post, settled by one decision. `shown` is the copy that reviewers see.
CASES = Table(
    "cases",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    Column("state", String(20), nullable=False),  # open, settled, escalated
    Column("opened", Moment, nullable=False),
    Column("newest", Moment, nullable=False),
    Column("settled", Moment),
    Column("copies", Integer, nullable=False),
    Column("severity", Integer, nullable=False),  # serving.review.severity; larger is worse
    Column("harm", Float, nullable=False),  # expected harm: what severity, probability and copies come to
    Column("uncertainty", Float, nullable=False),  # 1 at probability 0.5, 0 at 0 and 1
    Column("lang", String(20)),
    Column("platform", String(100)),
    Column("shown", NUMBER),  # judged.id; no foreign key, for each would name the other
    Column("claimed_by", String(100)),
    Column("claimed_until", Moment),
    Column("signature", LargeBinary),  # models.neardup.signature of the shown copy; erased with its text
    Index("cases_by_state", "state", "harm"),
)

# By which a new copy finds its case: hashes of parts of the signature.
BANDS = Table(
    "bands",
    METADATA,
    Column("case_id", NUMBER, ForeignKey("cases.id"), primary_key=True, autoincrement=False),
    Column("band", Integer, primary_key=True, autoincrement=False),
    Column("hash", String(16), nullable=False),
    Index("bands_by_hash", "hash"),
)

# Every flagged verdict, and a random share of all: facts only, no text.
JUDGED = Table(
    "judged",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    Column("case_id", NUMBER, ForeignKey("cases.id"), index=True),
    Column("time", Moment, nullable=False, index=True),
    Column("post_id", String(300), nullable=False, index=True),  # the platform's
    Column("author", String(80), index=True),  # `<secret's id>:<keyed hash>`
    Column("platform", String(100)),
    Column("country", String(2)),
    Column("lang", String(20)),
    Column("decision", String(10), nullable=False),
    Column("advert_probability", Float, nullable=False),
    Column("prevalence", Float),  # that the policy states, for which the probability was calibrated
    Column("intent", String(20), nullable=False),  # the likeliest
    Column("span_kinds", String(200), nullable=False),  # words with spaces between
    Column("substances", Text, nullable=False),  # JSON: [{"name", "nps_class", "status"}]
    Column("warnings", Text, nullable=False),  # JSON: [word]
    Column("release", String(100), nullable=False),
    Column("lexicon", String(100), nullable=False),
    Column("policy", String(100), nullable=False),
    Column("caller", String(100), nullable=False),  # a key's id
    Column("weight", Float),  # decisions that it stands for in the random sample; null: not drawn; 0: no traffic
)

# What a reviewer needs to see; deleted by retention and erasure.
TEXTS = Table(
    "texts",
    METADATA,
    Column("judged_id", NUMBER, ForeignKey("judged.id"), primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),  # contacts masked
    Column("verdict", Text, nullable=False),  # JSON as on the wire, its spans cut from the masked text
)

# Append-only, as the audit chain is: a mistake is taken back by a later row that undoes it.
DECISIONS = Table(
    "decisions",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    Column("case_id", NUMBER, ForeignKey("cases.id"), nullable=False, index=True),
    Column("time", Moment, nullable=False, index=True),
    Column("reviewer", String(100), nullable=False),  # a key's id, or who it names with `X-Reviewer`
    Column("source", String(20), nullable=False),  # console, api, feedback
    Column("decision", String(20), nullable=False),  # advert, not_advert, unsure, escalate, undo
    Column("intent", String(20)),
    Column("spans", Text),  # JSON: [{"start", "end", "kind"}] as corrected, without their text
    Column("appeal", String(20)),  # upheld, overturned
    Column("copies", Integer, nullable=False),  # that it settled when it was made
    Column("undoes", NUMBER, ForeignKey("decisions.id"), unique=True),
)

# What people wrote about a case; apart from the decision, since erasure deletes it.
NOTES = Table(
    "notes",
    METADATA,
    Column("decision_id", NUMBER, ForeignKey("decisions.id"), primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
)

# What was answered to which idempotency key of which caller: the same request again gets the same answer.
ANSWERED = Table(
    "answered",
    METADATA,
    Column("caller", String(100), primary_key=True),
    Column("idempotency_key", String(200), primary_key=True),
    Column("digest", String(64), nullable=False),  # of the request's body
    Column("answer", Text, nullable=False),
    Column("time", Moment, nullable=False),
)

# What a challenger said beside the live release; never shown to a caller.
SHADOWED = Table(
    "shadowed",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    Column("time", Moment, nullable=False, index=True),
    Column("judged_id", NUMBER, ForeignKey("judged.id")),  # where the text may be kept, for examples
    Column("post_id", String(300), nullable=False),
    Column("platform", String(100)),
    Column("lang", String(20)),
    Column("policy", String(100), nullable=False),
    Column("release", String(100), nullable=False),
    Column("decision", String(10), nullable=False),
    Column("advert_probability", Float, nullable=False),
    Column("challenger", String(100), nullable=False),
    Column("challenger_decision", String(10), nullable=False),
    Column("challenger_probability", Float, nullable=False),
)

# What passed through, counted by the hour: volumes, drift and the dashboard come from it.
TALLIES = Table(
    "tallies",
    METADATA,
    Column("hour", String(13), primary_key=True),  # 2026-12-01T09, in UTC
    Column("release", String(100), primary_key=True),
    Column("policy", String(100), primary_key=True),
    Column("measure", String(30), primary_key=True),  # decision, intent, probability, lang, class, substance, ...
    Column("value", String(200), primary_key=True),
    Column("count", BigInteger, nullable=False),
)

# Who is signed in at the console.
SESSIONS = Table(
    "sessions",
    METADATA,
    Column("hash", String(64), primary_key=True),  # of the cookie's random bits
    Column("key_id", String(12), ForeignKey("api_keys.id"), nullable=False),
    Column("reviewer", String(100), nullable=False),
    Column("created", Moment, nullable=False),
    Column("expires", Moment, nullable=False),
)

# How much a reviewer has looked at, for the nudge to pause.
EXPOSURES = Table(
    "exposures",
    METADATA,
    Column("reviewer", String(100), primary_key=True),
    Column("hour", String(13), primary_key=True),
    Column("shown", Integer, nullable=False),
)
