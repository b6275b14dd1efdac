"""What a release and the README say of it comes from its report alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from models.release import CARD, DEFAULT_RELEASE, GRAPH, REPORT, Release, open_release
from training.document import BEGIN, END, document, figures, joined, with_figures

README = Path(__file__).parent.parent / "README.md"


@pytest.fixture
def copy(tiny_release: Release, tmp_path: Path) -> Release:
    return open_release(Path(shutil.copytree(tiny_release.folder, tmp_path / "release")))


def test_the_readme_says_the_figures_of_the_shipped_report() -> None:
    report = json.loads((DEFAULT_RELEASE / REPORT).read_text(encoding="utf-8"))
    assert f"{BEGIN}\n{figures(report)}\n{END}" in README.read_text(encoding="utf-8")


def test_a_new_report_keeps_what_only_training_knows(copy: Release, tmp_path: Path) -> None:
    before = json.loads(copy.path(REPORT).read_text(encoding="utf-8"))
    after = {name: value for name, value in before.items() if name not in ("training", "parity", "working_point")}
    (tmp_path / "report.json").write_text(json.dumps(after | {"rows": 12345, "release": copy.version}))
    (tmp_path / "protocol.json").write_text(json.dumps({"budget": "one second", "runs": []}))
    graph = copy.manifest["files"][GRAPH]
    made = document(copy.folder, tmp_path / "report.json", protocols=[tmp_path / "protocol.json"])
    kept = json.loads(made.path(REPORT).read_text(encoding="utf-8"))
    assert (kept["rows"], kept["training"], kept["parity"]) == (12345, before["training"], before["parity"])
    assert "12,345 rows" in made.path(CARD).read_text(encoding="utf-8")
    assert "one second" in made.path(CARD).read_text(encoding="utf-8")
    floors = {floor["name"]: floor.get("why") for floor in kept["floors"]}
    assert floors["held out: agora_desc"] == "the protocol has no run without agora_desc"
    assert "not shown: the protocol has no run without agora_desc" in made.path(CARD).read_text(encoding="utf-8")
    assert (made.version, made.manifest["created"]) == (copy.version, copy.manifest["created"])
    assert made.manifest["files"][GRAPH] == graph


def test_runs_of_several_protocols_keep_their_own_budget() -> None:
    small = {"budget": "6 layers", "false_flags_per_10000": 10.0, "start": "tiny", "runs": [{"split": "random"}]}
    large = {"budget": "12 layers", "false_flags_per_10000": 2.6, "start": "tiny", "runs": [{"split": "folds"}]}
    section = joined([small, large])
    assert (section["budget"], section["start"]) == ("6 layers; or 12 layers", "tiny")
    assert [(run["split"], run["budget"], run["false_flags_per_10000"]) for run in section["runs"]] == [
        ("random", "6 layers", 10.0),
        ("folds", "12 layers", 2.6),
    ]


def test_a_report_of_another_release_is_refused(copy: Release, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(json.dumps({"release": "1999.1.1"}))
    with pytest.raises(ValueError, match=r"a report of release 1999.1.1, wanted 2026.1.1"):
        document(copy.folder, tmp_path / "report.json")


@pytest.mark.parametrize("text", ["[1, 2]", "{"])
def test_what_is_no_report_is_refused(copy: Release, tmp_path: Path, text: str) -> None:
    (tmp_path / "report.json").write_text(text)
    with pytest.raises(ValueError, match=r"report\.json: "):
        document(copy.folder, tmp_path / "report.json")


def test_a_readme_without_a_block_of_figures_is_refused() -> None:
    with pytest.raises(ValueError, match="figures, generated"):
        with_figures("# npsight", {})
