from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from models.release import Release, open_release
from training.corpus import load_corpus
from training.evaluation.records import read_file
from training.pipeline import Start, start_from_backbone
from training.protocol import (
    PROTOCOL,
    Plan,
    average_precision,
    measured,
    protocol_command,
    refuse_known,
    run_protocol,
    slug,
)
from training.protocol_pool import load_protocol
from training.protocol_splits import ProtocolSplit
from training.protocol_table import print_protocol

TOML = """
max_tokens = 48
stride = 12
epochs = 4.0
batch_size = 16
learning_rate = 5e-3
head_learning_rate = 1e-2
parity_rows = 0

[sample]
calibrate_share = 0.25
test_share = 0.25
ordinary = ["stream/*"]

[protocol]
least = 4
test_negatives = 10
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("configs") / "protocol.toml"
    path.write_text(TOML, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def plan(written: Path, tiny_data: Path, tiny_lexicon: Path, tiny_backbone: Path) -> Plan:
    """One market and one stream: rows at random and in groups can be held out, and nothing else."""
    config, budget = load_protocol(written)
    return Plan(
        data=[str(tiny_data / "listings.csv")],
        start=lambda: start_from_backbone(str(tiny_backbone), config),
        config=config,
        budget=budget,
        cards=tiny_data,
        lexicon=tiny_lexicon,
    )


@dataclass
class Ran:
    """A protocol that ran, and what it said."""

    out: Path
    section: dict[str, Any]
    steps: list[str] = field(default_factory=list)

    @property
    def runs(self) -> dict[str, dict[str, Any]]:
        return {run["split"]: run for run in self.section["runs"]}

    @property
    def trainings(self) -> int:
        return sum(step.startswith("train on") for step in self.steps)


def run(plan: Plan, out: Path, *, keep: bool = False) -> Ran:
    steps: list[str] = []
    return Ran(out, run_protocol(plan, out, keep=keep, on_step=steps.append), steps)


@pytest.fixture(scope="module")
def ran(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return run(plan, tmp_path_factory.mktemp("protocol") / "out")


def test_what_the_rows_can_carry_is_measured_and_the_rest_says_why(ran: Ran) -> None:
    assert [name for name, each in ran.runs.items() if "release" in each] == ["random", "grouped"]
    assert ran.trainings == 2
    impossible = {name: each["why"] for name, each in ran.runs.items() if not each["possible"]}
    assert impossible["source held out: market"] == "0 adverts to train on, wanted 4"
    assert impossible["time-forward"] == "time equals source: no source with a year to its adverts"
    assert len(impossible) == len(ran.runs) - 2
    assert not any("release" in ran.runs[name] or "train_seconds" in ran.runs[name] for name in impossible)


def test_a_measured_run_has_its_figures_its_rows_and_its_cost(ran: Ran) -> None:
    for name in ("random", "grouped"):
        each = ran.runs[name]
        assert (each["possible"], each["why"]) == (True, None)
        assert each["train_seconds"] > 0
        assert each["loss"] > 0
        assert each["test_rows"] == each["counts"]["test"]["adverts"] + each["counts"]["test"]["others"]
        for who in ("release", "baseline"):
            assert each[who]["recall"]["of"] == each["counts"]["test"]["adverts"]
            assert each[who]["false_flags"]["of"] == each["counts"]["test"]["others"]
            assert 0 < each[who]["average_precision"] <= 1
    assert ran.runs["grouped"]["test_rows_with_copies"] == 0
    assert ran.section["budget"] == "2 layers, at most 6,000 rows, 4 epochs"


def test_the_file_holds_the_section_and_no_release_is_left(ran: Ran) -> None:
    assert json.loads((ran.out / PROTOCOL).read_text(encoding="utf-8")) == ran.section
    assert [path.name for path in ran.out.iterdir()] == [PROTOCOL]


def test_a_second_call_trains_nothing(ran: Ran, plan: Plan) -> None:
    again = run(plan, ran.out)
    assert again.trainings == 0
    assert again.section == ran.section


@pytest.mark.parametrize(
    "changed",
    [
        lambda plan, data, written: replace(plan, data=[str(data / "posts.jsonl")]),
        lambda plan, data, written: replace(plan, config=replace(plan.config, epochs=5.0)),
        lambda plan, data, written: replace(plan, budget=replace(plan.budget, least=5)),
        lambda plan, data, written: replace(plan, lexicon=written(plan.lexicon)),
    ],
    ids=["data", "config", "budget", "lexicon"],
)
def test_what_was_measured_on_something_else_is_refused(
    ran: Ran, plan: Plan, tiny_data: Path, tmp_path: Path, changed: Callable[..., Plan]
) -> None:
    def shorter(lexicon: Path) -> Path:
        lines = lexicon.read_text(encoding="utf-8").splitlines(keepends=True)
        (tmp_path / "lexicon.tsv").write_text("".join(lines[:-1]), encoding="utf-8")
        return tmp_path / "lexicon.tsv"

    with pytest.raises(
        ValueError, match=r"protocol.json: measured with another config, lexicon, start or data; wanted"
    ):
        run(changed(plan, tiny_data, shorter), ran.out)
    assert json.loads((ran.out / PROTOCOL).read_text(encoding="utf-8")) == ran.section


def test_a_record_that_is_no_json_is_named(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / PROTOCOL).write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match=r"protocol.json: not JSON"):
        run(plan, tmp_path)


def test_a_run_that_fails_says_so_and_is_made_up_for_later(plan: Plan, ran: Ran, tmp_path: Path) -> None:
    calls: list[int] = []

    def start() -> Start:
        calls.append(1)
        if len(calls) == 2:  # the first is for the fingerprint
            raise RuntimeError("out of memory")
        return plan.start()

    failed = run(replace(plan, start=start), tmp_path)
    assert failed.runs["random"]["why"] == "not measured: RuntimeError: out of memory"
    assert failed.runs["random"]["possible"]
    assert not {"release", "baseline", "train_seconds"} & set(failed.runs["random"])
    assert "release" in failed.runs["grouped"]
    assert [path.name for path in tmp_path.iterdir()] == [PROTOCOL]

    (tmp_path / "random.trained").write_bytes(b"of a run that was stopped")
    mended = run(plan, tmp_path, keep=True)
    assert mended.trainings == 1
    assert list(mended.runs) == list(ran.runs)
    assert mended.runs["grouped"] == failed.runs["grouped"]
    assert mended.runs["random"]["release"] == ran.runs["random"]["release"]
    assert open_release(tmp_path / "random").version == "random"
    assert sorted(path.name for path in tmp_path.iterdir()) == [PROTOCOL, "random"]


def test_nothing_is_held_out_from_a_release_that_has_seen_it(tiny_release: Release, tiny_data: Path) -> None:
    rows = load_corpus([str(tiny_data / "listings.csv")], cards=tiny_data, read=read_file).rows
    with pytest.raises(
        ValueError, match=r"trained on \d+ of these 40 adverts or near copies .*: start from --backbone"
    ):
        refuse_known(rows, tiny_release)
    refuse_known([replace(row, text=f"{row.id * 9} {row.text[::-1]}") for row in rows], tiny_release)


def test_languages_are_told_apart_and_a_test_of_one_side_has_no_average_precision(
    tiny_release: Release, tiny_data: Path
) -> None:
    rows = load_corpus([str(tiny_data / "posts.jsonl")], cards=tiny_data, read=read_file).rows
    found = measured(tiny_release, ProtocolSplit("x", "language", "", None, test=rows))
    assert found["languages"]["en"]["release"]["recall"]["of"] > 0
    assert "languages" not in measured(tiny_release, ProtocolSplit("x", "source", "", None, test=rows))
    adverts = [row for row in rows if row.is_advert]
    assert average_precision(tiny_release, adverts) == {"release": None, "baseline": None}


def test_the_table_shows_the_budget_and_the_seconds_beside_the_figures(ran: Ran) -> None:
    console = Console(file=io.StringIO(), width=160)
    print_protocol(ran.section, console)
    assert isinstance(console.file, io.StringIO)
    said = console.file.getvalue()
    assert "protocol: 2 layers, at most 6,000 rows, 4 epochs, from tiny-bert" in said
    for name in ("random", "grouped"):
        line = next(line for line in said.splitlines() if f" {name} " in line)
        assert f"{ran.runs[name]['train_seconds']:,.0f} s" in line
        assert f"{ran.runs[name]['release']['recall']['share']:.1%}" in line
    assert "not possible: 0 adverts to train on, wanted 4" in said


def test_the_command_goes_on_where_it_was_and_prints_the_table(
    ran: Ran,
    written: Path,
    tiny_data: Path,
    tiny_lexicon: Path,
    tiny_backbone: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    section = protocol_command(
        [str(tiny_data / "listings.csv")],
        ran.out,
        config=written,
        from_release=None,
        backbone=str(tiny_backbone),
        cards=tiny_data,
        lexicon=tiny_lexicon,
    )
    assert section == ran.section
    assert "protocol: 2 layers" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("source held out: agora_desc", "source-held-out-agora_desc"),
        ("language held out: de, nl, sv", "language-held-out-de-nl-sv"),
        ("source held out: craigslist/for-sale", "source-held-out-craigslist-for-sale"),
    ],
)
def test_a_split_names_a_folder(name: str, wanted: str) -> None:
    assert slug(name) == wanted
