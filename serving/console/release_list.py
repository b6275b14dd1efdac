"""The releases that a service may judge by: the registry's, or the one folder that it was given."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from models.registry import Registry
from models.release import DEFAULT_RELEASE, MANIFEST, ReleaseError
from serving.console.release_figures import Figures, figures
from serving.settings import Settings


@dataclass(frozen=True, slots=True)
class Line:
    """One release of the list."""

    version: str
    created: datetime | None
    megabytes: float
    live: bool
    in_force: bool
    figures: Figures | None


@dataclass(frozen=True, slots=True)
class Releases:
    """All of them, newest first; what a roll-back leads to; why there is nothing to change, where it is so."""

    lines: Sequence[Line]
    in_force: str
    live: str = ""
    before: str = ""
    fault: str = ""

    @property
    def done(self) -> bool:
        """Say whether this worker judges by what is live."""
        return not self.live or self.live == self.in_force

    def line(self, version: str) -> Line | None:
        """Find one by its version."""
        return next((line for line in self.lines if line.version == version), None)


def releases(settings: Settings, in_force: str) -> Releases:
    """List what is there; `in_force` is the version that this worker judges by."""
    if settings.registry is None:
        folder = settings.release or DEFAULT_RELEASE
        return Releases([_line(folder, live=in_force, in_force=in_force)], in_force)
    registry = Registry(settings.registry)
    try:
        history = registry.history()
        versions = registry.versions()
    except (ReleaseError, OSError) as error:
        return Releases([], in_force, fault=f"The registry cannot be read: {getattr(error, 'public', 'see the log')}.")
    live, before = (history[-1] if history else ""), (history[-2] if len(history) > 1 else "")
    lines = [_line(registry.folder / version, live=live, in_force=in_force) for version in reversed(versions)]
    return Releases(lines, in_force, live, before)


def _line(folder: Path, *, live: str, in_force: str) -> Line:
    manifest = _manifest(folder)
    version = str(manifest.get("version", folder.name))
    files = manifest.get("files", {})
    size = sum(each.get("bytes", 0) for each in files.values()) / 1e6
    return Line(version, _moment(manifest), size, version == live, version == in_force, figures(folder))


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return manifest if isinstance(manifest, dict) else {}


def _moment(manifest: dict[str, Any]) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(manifest.get("created")))
    except ValueError:
        return None
    return moment if moment.tzinfo else None
