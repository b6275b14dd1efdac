"""What requests are judged with, and its change while they are: one look a second, one swap.

A request takes the snapshot once and keeps it to its end, so no answer mixes two. What cannot be loaded changes
nothing: the last good snapshot goes on serving, and `faults` says why, in words that quote no content.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from anyio.to_thread import run_sync

from models.verdict import Detect, Post
from serving.in_force import Facts

log = logging.getLogger("npsight.serving")
# No language is stated, so that guessing it is warmed up too.
WARM_UP = Post(id="warm-up", text="Good morning from the whole team, the meeting is at ten.")


@dataclass(frozen=True, slots=True, eq=False)
class Challenger:
    """A release that judges a share of the posts beside the live one, under the same policies."""

    version: str
    share: float
    detects: Mapping[str, Detect]


def always() -> bool:
    """Say yes."""
    return True


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One state of the service: a detector for each policy name, `default` among them, and what is told of it.

    `facts` is what the audit chain should hold of it, and `current` says whether the disk still says the same.
    """

    detects: Mapping[str, Detect]
    release: Mapping[str, Any]
    challenger: Challenger | None = None
    facts: Facts = field(default_factory=dict)
    current: Callable[[], bool] = always

    def __post_init__(self) -> None:
        if "default" not in self.detects:
            found = ", ".join(sorted(self.detects)) or "none"
            raise ValueError(f"no detector for the policy 'default', only for: {found}")


Look = Callable[[], tuple[Snapshot, Sequence[str]]]
"""Give what should be in force now, the very same object when nothing changed, and what could not be loaded."""


def warm_up(detect: Detect) -> None:
    """Let a detector judge one post of ours; whatever it raises says that it cannot serve."""
    verdicts = detect([WARM_UP])
    if [verdict.id for verdict in verdicts] != [WARM_UP.id]:
        raise ValueError("the answer is not one verdict for the one post")


class Live:
    """The snapshot in force."""

    def __init__(self, snapshot: Snapshot, look: Look | None = None, *, every: float = 1) -> None:
        self.snapshot = snapshot
        self.faults: Sequence[str] = ()
        self._look, self._every = look, every

    async def watch(self) -> None:
        """Look again and again, until cancelled; looking and loading are done beside the event loop."""
        if self._look:
            log.info("watching for changes every %g s: %s", self._every, _versions(self.snapshot))
        while self._look:
            await asyncio.sleep(self._every)
            try:
                snapshot, faults = await run_sync(self._look, abandon_on_cancel=True)
            except Exception as error:  # whatever it is, the next look may do better
                snapshot, faults = self.snapshot, [f"looking for changes failed: {type(error).__name__}"]
            self._say(faults)
            if snapshot is not self.snapshot:
                self.snapshot = snapshot
                log.info("in force now: %s", _versions(snapshot))

    def _say(self, faults: Sequence[str]) -> None:
        for fault in faults:
            if fault not in self.faults:
                log.error("not in force: %s", fault)
        for fault in self.faults:
            if fault not in faults:
                log.info("mended: %s", fault)
        self.faults = tuple(faults)


def _versions(snapshot: Snapshot) -> str:
    """Name the versions that a snapshot's verdicts bear."""
    told = {"release": snapshot.release.get("version"), "lexicon": snapshot.release.get("lexicon")}
    told |= {"policies": ", ".join(snapshot.release.get("policies", {}).values())}
    if challenger := snapshot.challenger:
        told["challenger"] = f"{challenger.version} on {challenger.share:g}"
    return "; ".join(f"{name} {value}" for name, value in told.items() if value)
