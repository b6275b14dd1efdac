"""A folder in which a test may change all that a running service watches."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from models.overlay import add_term
from models.policy import load_policy, save_policy
from models.registry import Registry
from models.release import POLICY, Release, save_manifest
from serving.settings import Settings


@dataclass(frozen=True, slots=True)
class Place:
    """A registry with two versions, a policies folder and a terms file, all of which a test may change."""

    folder: Path

    @property
    def registry(self) -> Registry:
        return Registry(self.folder / "registry")

    @property
    def terms(self) -> Path:
        return self.folder / "terms.tsv"

    @property
    def strict(self) -> Path:
        return self.folder / "policies" / "strict.json"

    def settings(self, **options: Any) -> Settings:
        folders = {"registry": self.registry.folder, "policies": self.strict.parent, "terms": self.terms}
        return Settings(**{"threads": 1, **folders, **options})

    def write_policy(self, **options: Any) -> None:
        policy = load_policy(self.registry.folder / "2026.1.1" / POLICY)
        half = self.folder / "half.json"
        save_policy(replace(policy, name="strict", **options), half)
        half.replace(self.strict)

    def add(self, surface: str) -> str:
        options = {"kind": "slang", "lang": "en", "ambiguity": "none"}
        return add_term(self.terms, surface, substance="2-MMC", nps_class="cathinones", **options)[1]


def make_place(folder: Path, release: Release) -> Place:
    """Publish a release twice, under the versions 2026.1.1 and 2026.1.2, of which the first is live."""
    place = Place(folder)
    place.registry.folder.mkdir()
    place.strict.parent.mkdir()
    shutil.copytree(release.folder, folder / "next")
    facts = {key: value for key, value in release.manifest.items() if key not in ("version", "created", "files")}
    place.registry.publish(release)
    place.registry.publish(save_manifest(folder / "next", version="2026.1.2", created="2026-01-02", facts=facts))
    place.registry.promote("2026.1.1")
    return place
