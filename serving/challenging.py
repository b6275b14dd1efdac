"""Which release judges beside the live one: found, loaded and changed while the service runs, and never in its way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from models.detector import Detector
from models.policy import Policy
from models.release import load_detector, open_release
from models.termlist import Term
from serving.in_force import NOTHING, Fact, shadow_fact
from serving.live import Challenger
from serving.settings import Settings
from serving.shadow_file import FILE, Wanted, parse_wanted
from serving.watched import Watched


class Laid:
    """A detector under live terms; they are laid over its lexicon anew only when one of the two changed."""

    def __init__(self) -> None:
        self._laid: tuple[Detector, Sequence[Term], Detector] | None = None

    def __call__(self, detector: Detector, terms: Sequence[Term]) -> Detector:
        """Give the detector with the terms."""
        if self._laid is None or self._laid[0] is not detector or self._laid[1] is not terms:
            self._laid = detector, terms, replace(detector, lexicon=detector.lexicon.under(terms))
        return self._laid[2]


class Challenging:
    """The challenger that is wanted and loaded. A fault of it is said, and even at the start stops nothing."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._started = Wanted(settings.shadow_version or "", settings.shadow_share)
        self._wanted: Watched[bytes | None, Wanted] = Watched(FILE, None, self._started)
        self._loaded: Watched[Path | None, Detector | None] = Watched("the challenger", None, None)
        self._laid = Laid()
        self._fault = ""
        self.look()

    def look(self) -> None:
        """Look at what is wanted now, and load it."""
        self._wanted.look(self._see_file, lambda content: parse_wanted(content) if content else self._started)
        self._loaded.look(self._see_folder, self._load)

    def current(self) -> bool:
        """Say whether the disk still says what was looked at last."""
        return self._wanted.current(self._see_file)

    @property
    def changes(self) -> tuple[int, int]:
        """Count what changed so far."""
        return self._wanted.changes, self._loaded.changes

    @property
    def faults(self) -> list[str]:
        """Say what cannot be in force."""
        return [fault for fault in (self._wanted.fault, self._loaded.fault, self._fault) if fault]

    @property
    def share(self) -> float:
        """Give the share of the posts that it should judge."""
        return self._wanted.value.share

    def under(self, live: str, policies: Mapping[str, Policy], terms: Sequence[Term]) -> Challenger | None:
        """Bind it to the live policies and terms, so that the release is all that differs; none beside itself."""
        detector, self._fault = self._loaded.value, ""
        if detector is None or detector.release == live or not self.share:
            return None
        try:
            laid = self._laid(detector, terms)
            detects = {name: laid.under(policy) for name, policy in policies.items()}
        except Exception as error:  # the live release must come into force all the same
            self._fault = f"the challenger: failed: {type(error).__name__}"
            return None
        return Challenger(detector.release, self.share, detects)

    def _see_file(self) -> bytes | None:
        path = self._settings.registry / FILE if self._settings.registry else None
        return path.read_bytes() if path and path.exists() else None

    def _see_folder(self) -> Path | None:
        """Give the folder of the release that is wanted; a file's word goes before the settings'."""
        wanted = self._wanted.value
        if wanted.version and self._settings.registry:
            return self._settings.registry / wanted.version if wanted.share else None
        return self._settings.shadow_release if wanted is self._started else None

    def _load(self, folder: Path | None) -> Detector | None:
        """Load it with one thread: it stands back behind the live one."""
        return load_detector(open_release(folder), threads=1) if folder else None


def challenger_fact(challenger: Challenger | None) -> Fact:
    """State what judges beside the live release."""
    return shadow_fact(challenger.version, challenger.share) if challenger else NOTHING
