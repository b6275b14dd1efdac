"""Every change of what judges posts, as one function that makes it and records it in the audit chain.

A file and a database share no transaction. So the chain's transaction is opened first, the file is changed within it by
one rename, and the record is committed after: nothing is changed while the store cannot record it, and two changes wait
for each other. What is left is a store that fails between the rename and the commit: then the change stands and
`Changed.recorded` is false. The service records it: it finds that what is in force is not what the chain holds last
(serving/noting.py). The other order would leave records of changes that never were.

Without a store (`engine` is None) a change is made all the same and not recorded: a bad release must be rolled back
even when the database is gone. Only the command line goes that way, and says so.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

from sqlalchemy import Engine

from models import overlay
from models.policy import Policy, parse_policy, save_policy
from models.registry import Registry
from models.release import Release, open_release
from models.termlist import Term, read_terms
from serving.audit import CHAIN, append
from serving.in_force import (
    LEXICON,
    NOTHING,
    POLICY,
    RELEASE,
    SHADOW,
    Fact,
    Facts,
    event,
    last_recorded,
    policy_fact,
    release_fact,
    shadow_fact,
    terms_fact,
)
from serving.shadow_file import Wanted, read_wanted, write_wanted
from serving.store.engine import StoreError, lock, writing

log = logging.getLogger("npsight.serving")
T = TypeVar("T")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")  # a policy's name is its file's and stands in requests


class OutrunError(ValueError):
    """Somebody changed the policy since the version from which this one was made."""


@dataclass(frozen=True, slots=True)
class Changed(Generic[T]):
    """What was changed, and whether the audit chain holds it already."""

    value: T
    recorded: bool


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """A change that was just made."""

    value: T
    was: Fact
    now: Fact
    term: str | None = None


def publish(engine: Engine | None, registry: Registry, folder: Path, actor: str) -> Changed[Release]:
    """Copy a checked release into the registry; it is not live until promoted."""
    release = open_release(folder)
    registry.folder.mkdir(parents=True, exist_ok=True)
    half = registry.copy_in(release)  # before the transaction: it may take seconds

    def admit(_: Facts) -> Done[Release]:
        published = registry.admit(release, half)
        return Done(published, NOTHING, release_fact(published))

    try:
        return _recorded(engine, actor, "publish", "registry", admit)
    finally:
        shutil.rmtree(half, ignore_errors=True)


def promote(engine: Engine | None, registry: Registry, version: str, actor: str) -> Changed[Release]:
    """Make a version live."""
    return _swap(engine, registry, actor, "promote", lambda: registry.promote(version))


def roll_back(engine: Engine | None, registry: Registry, actor: str) -> Changed[Release]:
    """Make the version before the live one live again."""
    return _swap(engine, registry, actor, "roll_back", registry.roll_back)


def add_term(
    engine: Engine | None,
    path: Path,
    surface: str,
    *,
    substance: str,
    nps_class: str,
    kind: str,
    lang: str,
    ambiguity: str,
    actor: str,
) -> Changed[tuple[Term, str]]:
    """Add a live term, or change it; give it and the overlay's digest."""
    words = {"substance": substance, "nps_class": nps_class, "kind": kind, "lang": lang, "ambiguity": ambiguity}
    return _lay(engine, path, actor, "add_term", lambda: overlay.add_term(path, surface, **words))


def retire_term(engine: Engine | None, path: Path, surface: str, actor: str) -> Changed[tuple[Term, str]]:
    """Take a term out in every language; give the row and the overlay's digest."""
    return _lay(engine, path, actor, "retire_term", lambda: overlay.retire_term(path, surface))


def put_policy(engine: Engine | None, folder: Path, content: bytes, actor: str) -> Changed[Policy]:
    """Write a policy into the folder of policies, as the version after the one that its JSON bears.

    So the JSON is what its author saw and changed: `OutrunError` says that a newer one was written meanwhile. A new
    policy bears version 0; the first to lay one over the release's own `default` bears that one's version.
    """
    policy = parse_policy(content, "the policy")
    _check_name(policy.name)
    if type(policy.version) is not int or policy.version < 0:
        raise ValueError(f"the policy: found the version {policy.version!r}, wanted a whole number from 0 on")
    path = folder / f"{policy.name}.json"

    def put(known: Facts) -> Done[Policy]:
        was = _policy_at(path)
        newest = max(_version(was), _version(known.get(POLICY + policy.name, NOTHING)))
        if policy.version < newest:
            said = f"policy {policy.name}: found version {policy.version}, wanted {newest}, which was written meanwhile"
            raise OutrunError(said)
        written = replace(policy, version=policy.version + 1)
        half = folder / f".{path.name}.{os.getpid()}"
        save_policy(written, half)
        half.replace(path)
        return Done(written, was, policy_fact(written))

    return _recorded(engine, actor, "put_policy", POLICY + policy.name, put)


def remove_policy(engine: Engine | None, folder: Path, name: str, actor: str) -> Changed[str]:
    """Take a policy out of the folder; without one of its own, `default` is the release's again."""
    _check_name(name)
    path = folder / f"{name}.json"

    def remove(_: Facts) -> Done[str]:
        if not path.exists():
            raise ValueError(f"{folder}: found no policy {name!r}")
        was = _policy_at(path)
        path.unlink()
        return Done(name, was, NOTHING)

    return _recorded(engine, actor, "remove_policy", POLICY + name, remove)


def start_shadow(engine: Engine | None, registry: Registry, wanted: Wanted, actor: str) -> Changed[Wanted]:
    """Let a release of the registry judge a share of the live posts beside the live one."""
    registry.open(wanted.version)
    if registry.history()[-1:] == [wanted.version]:
        raise ValueError(f"{wanted.version} is live: wanted another version to compare it with")
    return _shadow(engine, registry, wanted, actor, "start_shadow")


def stop_shadow(engine: Engine | None, registry: Registry, actor: str) -> Changed[Wanted]:
    """Let only the live release judge."""
    return _shadow(engine, registry, Wanted("", 0), actor, "stop_shadow")


def _swap(
    engine: Engine | None, registry: Registry, actor: str, action: str, swap: Callable[[], Release]
) -> Changed[Release]:
    def do(_: Facts) -> Done[Release]:
        was = registry.history()[-1:]
        before = Release(registry.folder / was[0], {"version": was[0]}) if was else None
        old = release_fact(before) if before and before.folder.exists() else Fact(*was)
        release = swap()
        return Done(release, old, release_fact(release))

    return _recorded(engine, actor, action, RELEASE, do)


def _lay(
    engine: Engine | None, path: Path, actor: str, action: str, lay: Callable[[], tuple[Term, str]]
) -> Changed[tuple[Term, str]]:
    def do(_: Facts) -> Done[tuple[Term, str]]:
        was = terms_fact(read_terms(path)) if path.exists() else NOTHING
        term, version = lay()
        return Done((term, version), was, Fact(version, version), term=f"{term.surface} ({term.lang})")

    return _recorded(engine, actor, action, LEXICON, do)


def _shadow(engine: Engine | None, registry: Registry, wanted: Wanted, actor: str, action: str) -> Changed[Wanted]:
    def do(_: Facts) -> Done[Wanted]:
        before = read_wanted(registry.folder) or Wanted("", 0)
        write_wanted(registry.folder, wanted)
        return Done(wanted, shadow_fact(before.version, before.share), shadow_fact(wanted.version, wanted.share))

    return _recorded(engine, actor, action, SHADOW, do)


def _recorded(
    engine: Engine | None, actor: str, action: str, subject: str, do: Callable[[Facts], Done[T]]
) -> Changed[T]:
    """Make a change within the transaction that records it; what refuses the change leaves no record."""
    if engine is None:
        return Changed(do({}).value, recorded=False)
    done: Done[T] | None = None
    try:
        with writing(engine) as connection:
            lock(connection, CHAIN)
            done = do(last_recorded(connection))
            more = {"term": done.term} if done.term else {}
            append(connection, event(actor, action, subject, done.was, done.now, **more))
    except StoreError as error:
        if done is None:
            raise
        log.error("%s of %s was made and not recorded: %s", action, subject, type(error).__name__)
        return Changed(done.value, recorded=False)
    return Changed(done.value, recorded=True)


def _check_name(name: str) -> None:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ValueError("the policy's name: wanted 1 to 64 letters, digits, - and _, beginning with one of the first")


def _policy_at(path: Path) -> Fact:
    """State the policy in a file; one that is broken is nothing that judges, and may be written over."""
    try:
        return policy_fact(parse_policy(path.read_bytes(), path.name))
    except (FileNotFoundError, ValueError):
        return NOTHING


def _version(fact: Fact) -> int:
    number = fact.version.rpartition("@")[2]
    return int(number) if number.isascii() and number.isdecimal() else 0
