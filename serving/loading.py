"""Settings to snapshots: the release, the terms laid over its lexicon and the policies, each loaded when it changes.

At the start every fault is fatal, since there is nothing good to go on with. Later a fault of one thing keeps that one
as it was, and the others change. What did not change is used again: a policy or a term never reloads the network.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from models.detector import Detector
from models.policy import Policy, parse_policy
from models.registry import Registry
from models.release import DEFAULT_RELEASE, Release, load_detector, open_release
from models.termlist import Term, parse_terms
from models.verdict import Detect
from serving.challenging import Challenging, Laid, challenger_fact
from serving.in_force import LEXICON, POLICY, RELEASE, SHADOW, Fact, policy_fact, release_fact, terms_fact
from serving.live import Challenger, Snapshot, warm_up
from serving.settings import Settings
from serving.watched import Watched


class MisnamedPolicyError(ValueError):
    """A policy file does not bear its policy's name."""

    public = "holds a policy of another name than the file's own"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A release and its detector, with the release's own lexicon and policy."""

    release: Release
    detector: Detector


class Loader:
    """A `Look`: call it for the snapshot that should be in force now."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        seen = self._see_release()
        self._loaded = Watched("the live release", seen, self._load(seen))
        content = self._see_terms(needed=False)
        self._terms = Watched(_name(settings.terms), content, read_terms(settings.terms, content))
        self._policies: dict[Path, Watched[bytes | None, Policy | None]] = {
            path: Watched(path.name, content, read_policy(path, content)) for path, content in self._see_policies()
        }
        self._challenging = Challenging(settings)
        self._laid = Laid()
        self._missed: set[Path] = set()
        self._composed = Watched("what was loaded", self._see_parts(), self._compose({}))

    @property
    def snapshot(self) -> Snapshot:
        """The last good one."""
        return self._composed.value

    def __call__(self) -> tuple[Snapshot, list[str]]:
        """Look at everything once."""
        self._loaded.look(self._see_release, self._load)
        needed = bool(self._terms.value)  # a file that an editor is replacing is gone for a moment: not its terms
        self._terms.look(partial(self._see_terms, needed=needed), partial(read_terms, self._settings.terms))
        lost = self._look_at_policies()
        self._challenging.look()
        self._composed.look(self._see_parts, lambda _: self._compose(self.snapshot.detects, warm=True))
        watched: list[Watched[Any, Any]] = [self._loaded, self._terms, *self._policies.values(), self._composed]
        faults = [*(each.fault for each in watched if each.fault), *self._challenging.faults]
        return self.snapshot, [*lost, *faults]

    def current(self) -> bool:
        """Say whether the disk still says what was looked at last."""
        try:
            if set(policy_files(self._settings)) != self._policies.keys():
                return False
        except OSError:  # for the next look to say
            return True
        terms = partial(self._see_terms, needed=bool(self._terms.value))
        policies = all(watched.current(path.read_bytes) for path, watched in self._policies.items())
        same = self._loaded.current(self._see_release) and self._terms.current(terms)
        return same and policies and self._challenging.current()

    def _see_release(self) -> str:
        return Registry(self._settings.registry).live_version() if self._settings.registry else ""

    def _load(self, version: str) -> Loaded:
        release = chosen_release(self._settings, version)
        return Loaded(release, load_detector(release, threads=threads_each(self._settings)))

    def _see_terms(self, *, needed: bool) -> bytes | None:
        path = self._settings.terms
        if path is None or not (needed or path.exists()):
            return None
        return path.read_bytes()

    def _see_policies(self) -> list[tuple[Path, bytes | None]]:
        return [(path, path.read_bytes()) for path in policy_files(self._settings)]

    def _look_at_policies(self) -> list[str]:
        """Look at each file; one that is missing twice in a row is removed. Give what is wrong with the folder."""
        try:
            there = policy_files(self._settings)
        except OSError as error:
            return [f"the policies folder cannot be read: {error.strerror}"]
        missing = self._policies.keys() - set(there)
        for path in missing & self._missed:
            del self._policies[path]
        self._missed = missing & self._policies.keys()
        for path in there:
            watched = self._policies.setdefault(path, Watched(path.name, None, None))
            watched.look(path.read_bytes, partial(read_policy, path))
        return []

    def _see_parts(self) -> tuple[object, ...]:
        policies = tuple((path, watched.changes) for path, watched in sorted(self._policies.items()))
        return self._loaded.changes, self._terms.changes, policies, self._challenging.changes

    def _compose(self, old: Any, *, warm: bool = False) -> Snapshot:
        base = self._laid(self._loaded.value.detector, self._terms.value)
        policies = [base.policy, *(each.value for _, each in sorted(self._policies.items()) if each.value)]
        names = ["default", *(policy.name for policy in policies[1:])]
        wanted = {name: base.under(policy) for name, policy in zip(names, policies, strict=True)}
        detects: dict[str, Detect] = {name: _reused(old.get(name), detector) for name, detector in wanted.items()}
        for name, detect in detects.items():
            if warm and detect is not old.get(name):
                warm_up(detect)
        labels = {name: detector.policy.label for name, detector in wanted.items()}
        told = self._loaded.value.release.describe() | {"lexicon": base.lexicon.version, "policies": labels}
        by_name = {name: detector.policy for name, detector in wanted.items()}
        challenger = self._challenging.under(base.release, by_name, self._terms.value)
        return Snapshot(detects, told, challenger, self._facts(by_name, challenger), self.current)

    def _facts(self, policies: Mapping[str, Policy], challenger: Challenger | None) -> dict[str, Fact]:
        """State all that may change."""
        facts = {
            RELEASE: release_fact(self._loaded.value.release),
            LEXICON: terms_fact(self._terms.value),
            SHADOW: challenger_fact(challenger),
        }
        return facts | {f"{POLICY}{name}": policy_fact(policy) for name, policy in policies.items()}


def check_settings(settings: Settings) -> Release:
    """Read all that a worker will load, but for the network, so that what is wrong is said once and at the start."""
    release = chosen_release(settings)
    if settings.terms and settings.terms.exists():
        read_terms(settings.terms, settings.terms.read_bytes())
    for path in policy_files(settings):
        read_policy(path, path.read_bytes())
    return release


def chosen_release(settings: Settings, version: str = "") -> Release:
    """Open the registry's live release or the given version of it, else the given folder or the shipped one."""
    if settings.registry is None:
        return open_release(settings.release or DEFAULT_RELEASE)
    if settings.release:
        raise ValueError("release and registry are both set: wanted one of them")
    registry = Registry(settings.registry)
    return registry.open(version or registry.live_version())


def policy_files(settings: Settings) -> list[Path]:
    """List the policies of the folder; a name that starts with a dot is an editor's."""
    if settings.policies is None:
        return []
    found = (path for path in settings.policies.iterdir() if path.suffix == ".json")
    return sorted(path for path in found if not path.name.startswith("."))


def read_policy(path: Path, content: bytes | None) -> Policy:
    """Read a policy of the folder, which must bear the file's name."""
    policy = parse_policy(content or b"", str(path))
    if policy.name != path.stem:
        raise MisnamedPolicyError(f"{path}: found the policy name {policy.name!r}, wanted the file's own {path.stem!r}")
    return policy


def read_terms(path: Path | None, content: bytes | None) -> list[Term]:
    """Read the terms that are laid over the lexicon; no file lays none."""
    return [] if path is None or content is None else parse_terms(content, path.name)


def threads_each(settings: Settings) -> int | None:
    """Share the cores out among the workers: two networks with a thread a core would only wait for each other."""
    if settings.threads or settings.workers == 1:
        return settings.threads
    return max(1, (os.cpu_count() or 1) // settings.workers)


def _name(path: Path | None) -> str:
    return path.name if path else "no terms"


def _reused(old: Detect | None, new: Detector) -> Detector:
    """Keep the old detector where the new one would judge the same way under the same name."""
    if isinstance(old, Detector) and old.reads_as(new) and old.policy is new.policy and old.release == new.release:
        return old
    return new
