"""What is in force, as facts that the audit chain holds: a version and a digest for each thing that may change.

Whoever changes a thing and whoever finds it changed write the same fact, so that no change is recorded twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from models.policy import Policy, policy_to_json
from models.release import Release
from models.termlist import Term, digest
from serving.audit import Event
from serving.store.tables import AUDIT, SALTS

KIND = "service"  # of these subjects in the audit chain
RELEASE, LEXICON, SHADOW, POLICY = "release", "lexicon", "shadow", "policy:"
"""Ids of the subjects; a policy's name follows the last."""


@dataclass(frozen=True, slots=True)
class Fact:
    """What one subject is: the version that people name, and a digest of its content; both empty when it is not."""

    version: str = ""
    digest: str = ""


NOTHING = Fact()
Facts = Mapping[str, Fact]


def release_fact(release: Release) -> Fact:
    """State a release."""
    return Fact(release.version, release.digest)


def terms_fact(terms: Sequence[Term]) -> Fact:
    """State the terms that are laid over the release's lexicon; verdicts name their digest after the `+`."""
    return Fact(digest(terms), digest(terms)) if terms else NOTHING


def policy_fact(policy: Policy) -> Fact:
    """State a policy, however its file is laid out."""
    return Fact(policy.label, _digest(policy_to_json(policy)))


def shadow_fact(version: str, share: float) -> Fact:
    """State which release judges beside the live one, and what share of the posts."""
    return Fact(f"{version} on {share:g}", _digest([version, float(share)])) if version and share else NOTHING


def event(actor: str, action: str, subject: str, was: Fact, now: Fact, **more: Any) -> Event:
    """Describe a change for the audit chain."""
    return Event(actor, action, KIND, subject, {"was": asdict(was), "now": asdict(now), **more})


def last_recorded(connection: Connection) -> dict[str, Fact]:
    """Give the fact that the chain holds last of each subject."""
    newest = select(func.max(AUDIT.c.sequence)).where(AUDIT.c.subject_kind == KIND).group_by(AUDIT.c.subject_id)
    query = select(AUDIT.c.subject_id, SALTS.c.details).join_from(AUDIT, SALTS).where(AUDIT.c.sequence.in_(newest))
    return {subject: Fact(**json.loads(details)["now"]) for subject, details in connection.execute(query)}


def _digest(values: Any) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
