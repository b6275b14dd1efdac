"""What `npsight serve` builds before it listens."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.policy import load_policy, save_policy
from models.registry import Registry
from models.release import DEFAULT_RELEASE, POLICY, ReleaseError, open_release
from models.verdict import Post
from serving.loading import Loader, check_settings, chosen_release, threads_each
from serving.run import run_server
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
    detects = Loader(Settings(policies=tmp_path)).snapshot.detects
    assert sorted(detects) == ["default", "strict"]
    assert detects["strict"]([Post("1", "hello there")])[0].policy.startswith("strict@")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "policies/other.json",
            (DEFAULT_RELEASE / POLICY).read_text(encoding="utf-8"),
            "wanted the file's own 'other'",
        ),
        ("policies/broken.json", "{", "broken.json"),
        ("terms.tsv", "surface\n", "terms.tsv, line 1"),
    ],
)
def test_what_no_worker_could_load_is_said_before_any_starts(
    tmp_path: Path, name: str, content: str, said: str
) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=said):
        run_server({"policies": tmp_path / "policies", "terms": tmp_path / "terms.tsv", "workers": 2})


def test_a_policies_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        check_settings(Settings(policies=tmp_path / "nowhere"))


def test_an_editors_own_files_are_no_policies(tmp_path: Path) -> None:
    save_policy(load_policy(DEFAULT_RELEASE / POLICY), tmp_path / "default.json")
    for name in (".#default.json", "default.json~", "notes.txt"):
        (tmp_path / name).write_text("{", encoding="utf-8")
    check_settings(Settings(policies=tmp_path))


@pytest.mark.parametrize(("workers", "threads", "each"), [(1, None, None), (1, 3, 3), (2, 3, 3), (10_000, None, 1)])
def test_workers_share_the_cores_unless_told_otherwise(workers: int, threads: int | None, each: int | None) -> None:
    assert threads_each(Settings(workers=workers, threads=threads)) == each
