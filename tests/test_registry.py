from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from models.registry import LIVE, Registry
from models.release import GRAPH, MANIFEST, Release, ReleaseError, open_release

Make = Callable[[str], Release]


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    (tmp_path / "registry").mkdir()
    return Registry(tmp_path / "registry")


@pytest.fixture
def make(tiny_release: Release, tmp_path: Path) -> Make:
    """Make a copy of the tiny release under another version, made on the day that the version says."""

    def copy(version: str) -> Release:
        folder = Path(shutil.copytree(tiny_release.folder, tmp_path / "made" / version))
        manifest = {**tiny_release.manifest, "version": version, "created": f"day {version}"}
        (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
        return open_release(folder)

    return copy


def test_a_published_release_is_listed_and_not_live(registry: Registry, make: Make) -> None:
    published = registry.publish(make("1"))
    assert published.folder == registry.folder / "1"
    assert registry.versions() == ["1"]
    assert registry.history() == []
    with pytest.raises(ReleaseError, match="nothing was promoted yet"):
        registry.live()


def test_versions_are_listed_oldest_first_by_their_date(registry: Registry, make: Make) -> None:
    for version in ("2", "3", "1"):
        registry.publish(make(version))
    assert registry.versions() == ["1", "2", "3"]


def test_a_version_is_never_overwritten(registry: Registry, make: Make) -> None:
    release = make("1")
    registry.publish(release)
    before = (registry.folder / "1" / MANIFEST).stat().st_mtime_ns
    with pytest.raises(ReleaseError, match="version 1 is already there, wanted a new one"):
        registry.publish(release)
    assert (registry.folder / "1" / MANIFEST).stat().st_mtime_ns == before


def test_promoting_makes_live_and_rolling_back_goes_one_back(registry: Registry, make: Make) -> None:
    for version in ("1", "2", "3"):
        registry.publish(make(version))
        registry.promote(version)
    assert registry.live().version == "3"
    assert registry.roll_back().version == "2"
    assert registry.live().version == "2"
    assert registry.roll_back().version == "1"
    assert registry.history() == ["1"]


def test_promoting_the_live_one_again_leaves_the_way_back_open(registry: Registry, make: Make) -> None:
    for version in ("1", "2"):
        registry.publish(make(version))
        registry.promote(version)
    registry.promote("2")
    assert registry.roll_back().version == "1"


@pytest.mark.parametrize("promoted", [[], ["1"]])
def test_there_is_nothing_to_roll_back_to_before_the_second_promotion(
    registry: Registry, make: Make, promoted: list[str]
) -> None:
    registry.publish(make("1"))
    for version in promoted:
        registry.promote(version)
    with pytest.raises(ReleaseError, match=rf"nothing to roll back to, found {len(promoted)} promotion"):
        registry.roll_back()
    assert registry.history() == promoted


def break_release(registry: Registry, version: str) -> None:
    with (registry.folder / version / GRAPH).open("ab") as file:
        file.write(b"x")


def test_a_broken_release_is_not_promoted(registry: Registry, make: Make) -> None:
    for version in ("1", "2"):
        registry.publish(make(version))
    registry.promote("1")
    break_release(registry, "2")
    with pytest.raises(ReleaseError, match="the file was changed"):
        registry.promote("2")
    assert registry.live().version == "1"


def test_a_broken_release_is_not_rolled_back_to(registry: Registry, make: Make) -> None:
    for version in ("1", "2"):
        registry.publish(make(version))
        registry.promote(version)
    break_release(registry, "1")
    with pytest.raises(ReleaseError, match="the file was changed"):
        registry.roll_back()
    assert registry.live().version == "2"


@pytest.mark.parametrize("version", ["9", "../made/1", "", "."])
def test_what_is_no_version_of_the_registry_is_refused_by_name(registry: Registry, make: Make, version: str) -> None:
    registry.publish(make("1"))
    with pytest.raises(ReleaseError, match=r"no version .*, found 1"):
        registry.promote(version)


def test_an_empty_registry_says_so(registry: Registry) -> None:
    assert registry.versions() == []
    with pytest.raises(ReleaseError, match="no version '1', found none"):
        registry.open("1")


def test_a_half_written_publication_is_not_listed(registry: Registry, make: Make) -> None:
    registry.publish(make("1"))
    shutil.copytree(registry.folder / "1", registry.folder / ".2.77")
    (registry.folder / "3").mkdir()
    assert registry.versions() == ["1"]


@pytest.mark.parametrize("text", ["{}", '["1", 2]', "not json"])
def test_a_history_that_is_no_list_of_versions_is_refused(registry: Registry, text: str) -> None:
    (registry.folder / LIVE).write_text(text, encoding="utf-8")
    with pytest.raises(ReleaseError, match=r"live\.json: .*wanted a list of versions"):
        registry.history()


def test_changes_leave_no_other_files_behind(registry: Registry, make: Make) -> None:
    registry.publish(make("1"))
    registry.promote("1")
    assert sorted(path.name for path in registry.folder.iterdir()) == ["1", LIVE]
