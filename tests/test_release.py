from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.release import (
    GRAPH,
    MANIFEST,
    POLICY,
    REQUIRED,
    Release,
    ReleaseError,
    load_detector,
    open_release,
    save_manifest,
)
from models.verdict import INTENTS, Post


@pytest.fixture
def folder(tiny_release: Release, tmp_path: Path) -> Path:
    """A copy of the tiny release to break."""
    return Path(shutil.copytree(tiny_release.folder, tmp_path / "release"))


def change_manifest(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    change(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")


def refusal(folder: Path) -> str:
    with pytest.raises(ReleaseError) as refused:
        open_release(folder)
    return str(refused.value)


def test_a_whole_release_opens_and_describes_itself(folder: Path) -> None:
    described = open_release(folder).describe()
    assert described["version"] == "2026.1.1"
    assert described["intents"] == list(INTENTS)
    assert {"created", "backbone", "cards", "metrics"} <= set(described)
    assert "weights" not in described


def test_a_loaded_release_judges_under_its_own_policy(folder: Path) -> None:
    verdict = load_detector(open_release(folder))([Post("a", "rain")])[0]
    assert (verdict.release, verdict.policy) == ("2026.1.1", "default@1")


def test_another_order_of_intents_is_refused(folder: Path) -> None:
    change_manifest(folder, lambda manifest: manifest["intents"].reverse())
    assert "found intents in the order ['other', 'use_talk'" in refusal(folder)
    assert "wanted ['sell', 'recruit'" in refusal(folder)


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_file_is_refused_by_name(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert refusal(folder) == f"{folder / name}: missing, wanted the file that the manifest lists"


@pytest.mark.parametrize("name", REQUIRED)
def test_one_changed_byte_is_refused(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    assert refusal(folder).startswith(f"{folder / name}: found sha256 ")
    assert refusal(folder).endswith("the file was changed")


@pytest.mark.parametrize("found", [0, 2, "1", None])
def test_an_unknown_format_is_refused(folder: Path, found: object) -> None:
    change_manifest(folder, lambda manifest: manifest.update(format=found))
    assert refusal(folder) == f"{folder / MANIFEST}: found format {found!r}, wanted 1"


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "not JSON"), ("", "not JSON"), ("[]", "found a list, wanted an object"), ("null", "found a NoneType")],
)
def test_a_manifest_that_is_no_json_object_is_refused(folder: Path, text: str, said: str) -> None:
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    assert said in refusal(folder)
    assert str(folder / MANIFEST) in refusal(folder)


def test_a_manifest_that_is_not_text_is_refused(folder: Path) -> None:
    (folder / MANIFEST).write_bytes(b"\xff\xfe\x00")
    assert "not JSON" in refusal(folder)


@pytest.mark.parametrize("name", ["version", "files"])
def test_a_manifest_without_version_or_files_is_refused(folder: Path, name: str) -> None:
    change_manifest(folder, lambda manifest: manifest.pop(name))
    assert "wanted a version and a table of files" in refusal(folder)


def test_a_file_without_a_checksum_is_refused(folder: Path) -> None:
    change_manifest(folder, lambda manifest: manifest["files"].pop(GRAPH))
    assert refusal(folder).endswith(f"lists no checksum for {GRAPH}")
    change_manifest(folder, lambda manifest: manifest["files"].update({GRAPH: None}))
    assert refusal(folder).endswith(f"lists no checksum for {GRAPH}")


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{tmp_path}: no manifest.json there, wanted a release folder"
    assert "no manifest.json there" in refusal(tmp_path / "nowhere")


def test_files_beside_the_listed_ones_do_no_harm(folder: Path) -> None:
    (folder / "notes.txt").write_text("ours", encoding="utf-8")
    assert open_release(folder).version == "2026.1.1"


def test_a_folder_that_is_not_whole_is_never_closed(folder: Path) -> None:
    (folder / MANIFEST).unlink()
    (folder / POLICY).unlink()
    with pytest.raises(ReleaseError, match=r"not a whole release, missing policy\.json"):
        save_manifest(folder, version="1", created="", facts={})
    assert not (folder / MANIFEST).exists()


def test_facts_stand_in_the_manifest_beside_the_checksums(folder: Path) -> None:
    closed = save_manifest(folder, version="9", created="2026-01-01", facts={"backbone": "b"})
    assert open_release(folder).manifest == closed.manifest
    assert (closed.version, closed.manifest["backbone"]) == ("9", "b")
    assert set(closed.manifest["files"]) == set(REQUIRED)


def test_a_reference_in_a_release_is_listed_and_a_changed_one_refused(tmp_path: Path, tiny_release: Release) -> None:
    folder = tmp_path / "with_reference"
    shutil.copytree(tiny_release.folder, folder)
    (folder / "reference.json").write_text("{}", encoding="utf-8")
    facts = {key: tiny_release.manifest[key] for key in tiny_release.manifest.keys() - {"version", "created", "files"}}
    made = save_manifest(folder, version="2026.1.1", created="2026-01-01", facts=facts)
    assert "reference.json" in made.manifest["files"]
    (folder / "reference.json").write_text("{ }", encoding="utf-8")
    with pytest.raises(ReleaseError, match=r"reference\.json: found sha256"):
        open_release(folder)
