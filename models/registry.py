"""A folder of releases: training publishes into it, serving reads what is live.

Layout: one folder a version, and `live.json` with the history of what was promoted, newest last.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.release import Release, ReleaseError, open_release

LIVE = "live.json"


@dataclass(frozen=True, slots=True)
class Registry:
    """A folder of releases; every change is one rename, so a reader never sees half of it."""

    folder: Path

    def versions(self) -> list[str]:
        """List the versions, oldest first by the date in their manifests."""
        found = [path.parent for path in self.folder.glob("*/manifest.json") if not path.parent.name.startswith(".")]
        return [path.name for path in sorted(found, key=_created)]

    def publish(self, release: Release) -> Release:
        """Copy a checked release in under its version; an existing version is never overwritten."""
        return self.admit(release, self.copy_in(release))

    def copy_in(self, release: Release) -> Path:
        """Copy a release beside the versions, where no reader sees it yet: the long part of publishing."""
        self._refuse_known(release)
        half = self.folder / f".{release.version}.{os.getpid()}"
        shutil.copytree(release.folder, half)
        return half

    def admit(self, release: Release, half: Path) -> Release:
        """Let readers see what `copy_in` copied: the short part."""
        self._refuse_known(release)
        half.rename(self.folder / release.version)
        return open_release(self.folder / release.version)

    def history(self) -> list[str]:
        """List what was promoted, newest last; empty before the first promotion."""
        path = self.folder / LIVE
        if not path.exists():
            return []
        try:
            history = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            said = f"{path}: not JSON ({error}), wanted a list of versions"
            raise ReleaseError(said, public="live.json is not JSON") from error
        if not isinstance(history, list) or not all(isinstance(version, str) for version in history):
            said = f"{path}: found {history!r}, wanted a list of versions"
            raise ReleaseError(said, public="live.json is not a list of versions")
        return history

    def live(self) -> Release:
        """Open the release that is live; `ReleaseError` when none was promoted."""
        return self.open(self.live_version())

    def live_version(self) -> str:
        """Give the version that is live, without opening it."""
        history = self.history()
        if not history:
            said = f"{self.folder}: nothing was promoted yet, wanted `npsight releases promote VERSION`"
            raise ReleaseError(said, public="none was promoted")
        return history[-1]

    def open(self, version: str) -> Release:
        """Check and open one version."""
        if version not in self.versions():
            said = f"{self.folder}: no version {version!r}, found {', '.join(self.versions()) or 'none'}"
            raise ReleaseError(said, public="the registry does not hold the version")
        return open_release(self.folder / version)

    def promote(self, version: str) -> Release:
        """Make a version live, after checking it whole."""
        release = self.open(version)
        if self.history()[-1:] != [version]:  # promoted twice, a roll-back would lead to itself
            self._write([*self.history(), version])
        return release

    def roll_back(self) -> Release:
        """Make the version before the live one live again."""
        history = self.history()
        if len(history) < 2:
            raise ReleaseError(f"{self.folder}: nothing to roll back to, found {len(history)} promotion(s)")
        release = self.open(history[-2])
        self._write(history[:-1])
        return release

    def _refuse_known(self, release: Release) -> None:
        target = self.folder / release.version
        if target.exists():
            raise ReleaseError(f"{target}: version {release.version} is already there, wanted a new one")

    def _write(self, history: Sequence[str]) -> None:
        half = self.folder / f".{LIVE}.{os.getpid()}"
        half.write_text(json.dumps(list(history)) + "\n", encoding="utf-8")
        half.replace(self.folder / LIVE)


def _created(folder: Path) -> tuple[str, str]:
    try:
        return str(json.loads((folder / "manifest.json").read_text(encoding="utf-8")).get("created", "")), folder.name
    except (ValueError, AttributeError):
        return "", folder.name
