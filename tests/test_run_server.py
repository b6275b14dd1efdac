"""What `npsight serve` builds before it listens."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.policy import load_policy, save_policy
from models.registry import Registry
from models.release import DEFAULT_RELEASE, POLICY, ReleaseError, open_release
from models.verdict import Post
from serving.run import chosen_release, load_detects
from serving.settings import Settings


def test_the_shipped_release_is_served_when_nothing_is_said() -> None:
    assert chosen_release(Settings()).folder == DEFAULT_RELEASE


def test_a_registry_without_a_live_release_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="nothing was promoted yet"):
        chosen_release(Settings(registry=tmp_path))


def test_the_live_release_of_a_registry_is_served(tmp_path: Path) -> None:
    published = Registry(tmp_path).publish(open_release(DEFAULT_RELEASE))
    Registry(tmp_path).promote(published.version)
    assert chosen_release(Settings(registry=tmp_path)).folder == tmp_path / published.version


def test_release_and_registry_together_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="wanted one of them"):
        chosen_release(Settings(registry=tmp_path, release=tmp_path))


def test_each_policy_of_the_folder_gets_a_detector_of_its_own(tmp_path: Path) -> None:
    text = (DEFAULT_RELEASE / POLICY).read_text(encoding="utf-8").replace('"default"', '"strict"')
    (tmp_path / "strict.json").write_text(text, encoding="utf-8")
    detects = load_detects(open_release(DEFAULT_RELEASE), Settings(policies=tmp_path))
    assert sorted(detects) == ["default", "strict"]
    assert detects["strict"]([Post("1", "hello there")])[0].policy.startswith("strict@")


def test_a_policy_file_must_bear_its_policys_name(tmp_path: Path) -> None:
    save_policy(load_policy(DEFAULT_RELEASE / POLICY), tmp_path / "other.json")
    with pytest.raises(ValueError, match="wanted the file's own 'other'"):
        load_detects(open_release(DEFAULT_RELEASE), Settings(policies=tmp_path))
