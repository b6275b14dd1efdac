from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import npsight
from models import verbs
from models.policy import Bands, Policy, load_policy, save_policy
from models.release import MANIFEST, REPORT, Release, open_release
from models.verdict import ADVERT_INTENTS

ADVERT = "fresh batch landed clean gear ready 2-MMC dm for prices crypto only"
CALM = "tomatoes grow well the library closes early coffee afterwards"
ROOT = Path(npsight.__file__).parent


def run(*words: object, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(npsight.app, [str(word) for word in words], input=stdin)


def sentence(result: Result) -> str:
    """What a refused command says: exit status 2 and one line on stderr."""
    assert result.exit_code == 2, result.output
    lines = [line for line in result.stderr.splitlines() if line.strip() and " s  " not in line]  # steps apart
    assert len(lines) == 1, lines
    return lines[0]


def verdicts(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def posts(tmp_path: Path) -> Path:
    path = tmp_path / "posts.jsonl"
    lines = [{"id": "a", "text": ADVERT, "label": "sell"}, {"id": "b", "text": CALM}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


# --- score -------------------------------------------------------------------------------------------


def test_score_writes_one_verdict_a_line_and_says_how_it_went(tiny_release: Release, posts: Path) -> None:
    result = run("score", posts, "--release", tiny_release.folder, "--threads", 1)
    assert result.exit_code == 0
    first, second = verdicts(result.stdout)
    assert (first["id"], first["decision"], first["release"]) == ("a", "review", "2026.1.1")
    assert (second["id"], second["decision"]) == ("b", "allow")
    assert "2 posts scored, 0 lines malformed" in result.stderr


def test_a_malformed_line_is_named_and_the_rest_is_scored(tiny_release: Release, posts: Path) -> None:
    lines = posts.read_text(encoding="utf-8").splitlines()
    posts.write_text("\n".join([lines[0], '{"id": "x", "text"', lines[1]]) + "\n", encoding="utf-8")
    result = run("score", posts, "--release", tiny_release.folder)
    assert result.exit_code == 1
    assert [verdict["id"] for verdict in verdicts(result.stdout)] == ["a", "b"]
    assert "line 2: is not JSON" in result.stderr
    assert "2 posts scored, 1 lines malformed" in result.stderr


def test_a_missing_column_is_one_sentence(tiny_release: Release, tmp_path: Path) -> None:
    (tmp_path / "posts.csv").write_text("id,body\n1,rain\n", encoding="utf-8")
    said = sentence(run("score", tmp_path / "posts.csv", "--release", tiny_release.folder))
    assert "no column 'text'; columns found: 'id', 'body'" in said
    result = run("score", tmp_path / "posts.csv", "--text-column", "body", "--release", tiny_release.folder)
    assert result.exit_code == 0


def test_score_writes_a_file_and_takes_a_policy(tiny_release: Release, posts: Path, tmp_path: Path) -> None:
    bands = {intent: Bands(review=0.5, act=0.5) for intent in ADVERT_INTENTS}
    save_policy(Policy("strict", 3, prevalence=0.5, bands=bands), tmp_path / "policy.json")
    words = ("--release", tiny_release.folder, "--policy", tmp_path / "policy.json", "--out", tmp_path / "out.csv")
    result = run("score", posts, *words)
    assert (result.exit_code, result.stdout) == (0, "")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text(encoding="utf-8"))))
    assert [(row["decision"], row["policy"]) for row in rows] == [("act", "strict@3"), ("allow", "strict@3")]


def test_a_table_is_for_a_person(tiny_release: Release, posts: Path) -> None:
    result = run("score", posts, "--release", tiny_release.folder, "--table")
    assert result.exit_code == 0
    assert "offers 2-MMC (cathinone)" in " ".join(result.stdout.replace("│", " ").split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["score", "nowhere.jsonl", "--release", "RELEASE"], "nowhere.jsonl"),
        (["score", "POSTS", "--release", "nowhere"], "no manifest.json there, wanted a release folder"),
        (["score", "POSTS", "--release", "RELEASE", "--policy", "nowhere.json"], "nowhere.json"),
        (["score", "POSTS", "--release", "RELEASE", "--policy", "POSTS"], "posts.jsonl"),
        (["score", "POSTS", "--release", "RELEASE", "--out", "out.xml"], "out.xml: wants .jsonl or .csv"),
        (["score", "POSTS", "--release", "RELEASE", "--out", "POSTS"], "is the source"),
        (["evaluate", "nowhere", "--data", "POSTS"], "no manifest.json there"),
        (["evaluate", "RELEASE", "--data", "POSTS"], "no data card names it"),
        (["train", "--data", "POSTS", "--out", "new"], "wanted --from RELEASE or --backbone NAME_OR_FOLDER"),
        (["train", "--data", "POSTS", "--out", "new", "--from", "nowhere"], "no manifest.json there"),
        (["train", "--data", "POSTS", "--out", "new", "--from", "RELEASE"], "no data card names it"),
        (["train", "--data", "POSTS", "--out", "RELEASE", "--from", "RELEASE"], "already there, wanted a new folder"),
        (["releases", "show", "nowhere"], "no manifest.json there"),
        (["releases", "promote", "1", "--registry", "nowhere"], "no version '1', found none"),
        (["releases", "rollback", "--registry", "nowhere"], "nothing to roll back to"),
    ],
)
def test_what_a_user_can_mend_is_said_in_one_sentence(
    tiny_release: Release,
    posts: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    places = {"POSTS": str(posts), "RELEASE": str(tiny_release.folder)}
    found = sentence(run(*(places.get(word, word) for word in words)))
    assert found.startswith("npsight: ")
    assert said in found
    assert {path.name for path in tmp_path.iterdir()} == {"posts.jsonl"}


# --- train and evaluate ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def child(tiny_release: Release, tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release trained on from the tiny one, as a user does it."""
    folder = tmp_path_factory.mktemp("child")
    config = "max_tokens = 48\nstride = 12\nepochs = 1\nlearning_rate = 1e-4\nparity_rows = 40\n"
    config += '[sample]\ncalibrate_share = 0.25\ntest_share = 0.25\nordinary = ["elsewhere/*"]\n'
    (folder / "config.toml").write_text(config, encoding="utf-8")
    data = ("--data", tiny_data / "posts.jsonl", "--data", tiny_data / "listings.csv")
    words = ("--from", tiny_release.folder, "--config", folder / "config.toml", "--version", "2026.1.2")
    result = run("train", *data, *words, "--out", folder / "made", "--cards", tiny_data.parent)
    assert result.exit_code == 0, result.output
    assert "export to int8" in result.stderr
    assert "every post without an advert" in " ".join(result.stderr.split())  # a recipe knows its own data's sources
    assert "release 2026.1.2: " in result.stdout
    return folder / "made"


def test_a_release_is_enough_to_retrain_from(tiny_release: Release, child: Path) -> None:
    made = open_release(child)
    assert made.version == "2026.1.2"
    assert made.manifest["backbone"] == "tiny-bert"
    assert made.manifest["weights"].keys() == tiny_release.manifest["weights"].keys()
    assert [path.name for path in child.parent.iterdir() if path.name.startswith("made")] == ["made"]


def test_what_was_learnt_is_still_known_after_a_short_further_run(child: Path, posts: Path) -> None:
    found = verdicts(run("score", posts, "--release", child).stdout)
    assert [each["decision"] for each in found] == ["review", "allow"]


def test_evaluate_prints_the_short_report_and_writes_record_and_page_of_unseen_rows(
    tiny_release: Release, tiny_data: Path, tmp_path: Path
) -> None:
    data = ("--data", tiny_data / "posts.jsonl", "--data", tiny_data / "listings.csv")
    words = ("--out", tmp_path / "report", "--cards", tiny_data, "--quick")
    result = run("evaluate", tiny_release.folder, *data, *words)
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "report" / REPORT).read_text(encoding="utf-8"))
    made = json.loads(tiny_release.path(REPORT).read_text(encoding="utf-8"))["training"]
    known = made["train_rows"] + made["calibrate_rows"]
    assert 0 <= report["seen_in_training"] - known < 8  # those, and what looks like a copy
    assert report["rows"] + report["seen_in_training"] == 230
    assert report["slices"]["source:market"]["release"]["recall"]["of"] > 0
    assert f"{report['seen_in_training']:,} rows left out, seen in training" in result.stdout
    assert "recall, baseline" in result.stdout
    assert "flags in a million" in result.stdout
    floors = {floor["name"]: floor.get("why") for floor in report["floors"]}
    assert floors["suite"] == "no suite in this report"  # --quick runs none
    assert f"Floors: met {sum(each.get('met', False) for each in report['floors'])} of {len(floors)};" in result.stdout
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "npsight 2026.1.1" in page


def test_evaluate_keeps_seen_rows_when_told_to(tiny_release: Release, tiny_data: Path, tmp_path: Path) -> None:
    words = ("--data", tiny_data / "posts.jsonl", "--allow-seen", "--out", tmp_path, "--cards", tiny_data, "--quick")
    assert run("evaluate", tiny_release.folder, *words).exit_code == 0
    report = json.loads((tmp_path / REPORT).read_text(encoding="utf-8"))
    assert (report["rows"], report["seen_in_training"]) == (110, 0)


def test_evaluate_takes_the_test_part_that_the_release_was_reported_on(
    tiny_release: Release, tiny_data: Path, tmp_path: Path
) -> None:
    data = ("--data", tiny_data / "posts.jsonl", "--data", tiny_data / "listings.csv")
    words = ("--test-part", "--allow-seen", "--out", tmp_path, "--cards", tiny_data, "--quick")
    assert run("evaluate", tiny_release.folder, *data, *words).exit_code == 0
    report = json.loads((tmp_path / REPORT).read_text(encoding="utf-8"))
    made = json.loads(tiny_release.path(REPORT).read_text(encoding="utf-8"))
    assert report["rows"] == made["rows"]
    assert report["slices"]["all"]["release"] == made["slices"]["all"]["release"]


def test_a_goal_is_answered_and_written_as_a_policy_that_scores(
    tiny_release: Release, tiny_data: Path, tmp_path: Path, posts: Path
) -> None:
    words = ("--data", tiny_data / "posts.jsonl", "--allow-seen", "--cards", tiny_data, "--quick")
    goal = ("--goal", "max precision @ recall >= 0.8 @ prevalence 30%", "--write-policy", tmp_path / "mine.json")
    result = run("evaluate", tiny_release.folder, *words, *goal)
    assert result.exit_code == 0, result.output
    policy = load_policy(tmp_path / "mine.json")
    assert (policy.label, policy.prevalence) == ("default@2", 0.3)
    assert len({band.review for band in policy.bands.values()}) == 1
    found = verdicts(run("score", posts, "--release", tiny_release.folder, "--policy", tmp_path / "mine.json").stdout)
    assert [each["policy"] for each in found] == ["default@2"] * 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--goal", "max recall @ precision >= 0.9 @ prevalence 0.0001", "--write-policy", "p.json"],
            "no policy written",
        ),
        (["--write-policy", "p.json"], "--write-policy wants exactly one --goal, found 0"),
        (["--goal", "best recall"], "best"),
        (["--prevalence", "1.5"], "--prevalence: found 1.5, wanted a share between 0 and 1"),
        (["--posts-per-day", "0"], "--posts-per-day: found 0.0, wanted a number above 0"),
        (["--texts", "all"], "--texts: found 'all', wanted none, quotable or masked"),
        (["--beside", "nowhere"], "no manifest.json there"),
        (["--beside", "SAME"], "2026.1.1 stands twice"),
    ],
)
def test_what_evaluate_cannot_do_is_one_sentence(
    words: list[str], said: str, tiny_release: Release, tiny_data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    given = [str(tiny_release.folder) if word == "SAME" else word for word in words]
    asked = ("--data", tiny_data / "posts.jsonl", "--allow-seen", "--cards", tiny_data, "--quick", *given)
    assert said in sentence(run("evaluate", tiny_release.folder, *asked))
    assert not (tmp_path / "p.json").exists()


def test_evaluate_refuses_data_that_was_all_seen(tiny_release: Release, tmp_path: Path, tiny_data: Path) -> None:
    sketch = [json.loads(line) for line in (tiny_data / "posts.jsonl").read_text(encoding="utf-8").splitlines()]
    result = run(
        *("evaluate", tiny_release.folder, "--data", tiny_data / "posts.jsonl"),
        *("--cards", tiny_data, "--out", tmp_path, "--quick"),
    )
    kept = json.loads((tmp_path / REPORT).read_text(encoding="utf-8"))["rows"]
    assert result.exit_code == 0
    assert 0 < kept < len(sketch)
    from models import neardup
    from models.release import SKETCH

    known = neardup.seen([row["text"] for row in sketch], neardup.load(tiny_release.path(SKETCH)))
    seen = [row for row, was in zip(sketch, known.tolist(), strict=True) if was]
    (tmp_path / "seen.jsonl").write_text("".join(json.dumps(row) + "\n" for row in seen), encoding="utf-8")
    front = "license: cc0-1.0\nnpsight: {files: {seen.jsonl: {}}, columns: {label: intent, group: pair}}\n"
    (tmp_path / "README.md").write_text(f"---\n{front}---\n", encoding="utf-8")
    said = sentence(run("evaluate", tiny_release.folder, "--data", tmp_path / "seen.jsonl", "--cards", tmp_path))
    assert f"all {len(seen)} rows, or near copies, were in training: --allow-seen" in said


# --- releases ----------------------------------------------------------------------------------------


def test_releases_are_published_promoted_listed_and_rolled_back(
    tiny_release: Release, child: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NPSIGHT_REGISTRY", str(tmp_path / "registry"))
    for folder in (tiny_release.folder, child):
        assert run("releases", "publish", folder).exit_code == 0
    assert run("releases", "list").stdout.splitlines() == ["  2026.1.1", "  2026.1.2"]
    assert "live: 2026.1.1" in run("releases", "promote", "2026.1.1").stdout
    assert "live: 2026.1.2" in run("releases", "promote", "2026.1.2").stdout
    assert run("releases", "list").stdout.splitlines() == ["  2026.1.1", "* 2026.1.2"]
    assert "live: 2026.1.1" in run("releases", "rollback").stdout
    assert run("releases", "list").stdout.splitlines() == ["* 2026.1.1", "  2026.1.2"]
    assert "version 2026.1.2 is already there" in sentence(run("releases", "publish", child))


def test_show_checks_a_release_and_says_what_it_is(tiny_release: Release, tmp_path: Path) -> None:
    result = run("releases", "show", tiny_release.folder)
    assert json.loads(result.stdout)["version"] == "2026.1.1"
    assert "intent_head" not in result.stdout
    (tmp_path / MANIFEST).write_text("{}", encoding="utf-8")
    assert "found format None, wanted 1" in sentence(run("releases", "show", tmp_path))


# --- the door itself ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "spelled"),
    [
        ([], []),
        (["score", "a", "b"], ["score", "a", "b"]),
        (["train", "--data", "a", "b", "c"], ["train", "--data", "a", "--data", "b", "--data", "c"]),
        (
            ["--data", "a", "--held-out", "b", "c", "--out", "d"],
            ["--data", "a", "--held-out", "b", "--held-out", "c", "--out", "d"],
        ),
        (["--data", "a", "--data", "b"], ["--data", "a", "--data", "b"]),
        (
            ["evaluate", "r", "--data", "a", "b", "--allow-seen"],
            ["evaluate", "r", "--data", "a", "--data", "b", "--allow-seen"],
        ),
    ],
)
def test_several_files_may_follow_one_option(words: list[str], spelled: list[str]) -> None:
    assert npsight.spread(words) == spelled


@pytest.mark.parametrize(
    ("package", "extra"),
    [("fastapi", "serve"), ("uvicorn", "serve"), ("sklearn", "evaluate"), ("scipy", "evaluate"), ("torch", "train")],
)
def test_a_missing_package_is_said_with_the_extra_that_brings_it(package: str, extra: str) -> None:
    assert verbs.extra_for(package) == f"pip install 'npsight[{extra}]'"


def test_a_verb_whose_packages_are_missing_says_so_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "training.evaluation.command", None)
    said = sentence(run("evaluate", "release", "--data", "a"))
    assert said.startswith("npsight: this verb needs the package 'training.evaluation.command': pip install ")


HEAVY = "torch transformers datasets sklearn scipy onnx onnxruntime tokenizers numpy pyarrow fastapi"
PROBE = f"""
import sys, npsight
sys.argv = ["npsight", *sys.argv[1:]]
try:
    npsight.main()
except SystemExit as end:
    print("status", end.code)
print("loaded", *(name for name in {HEAVY.split()} if name in sys.modules))
"""


def probe(*words: object, stdin: str = "") -> tuple[str, set[str]]:
    """Run a command in a process of its own: its output, and which heavy packages it loaded."""
    command = [sys.executable, "-c", PROBE, *map(str, words)]
    done = subprocess.run(command, cwd=ROOT, input=stdin, capture_output=True, text=True, check=True, timeout=300)
    output, _, loaded = done.stdout.rpartition("loaded")
    return output, set(loaded.split())


@pytest.mark.parametrize("words", [["--help"], ["train", "--help"]])
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    output, loaded = probe(*words)
    assert "Usage: npsight" in output
    assert "status 0" in output
    assert loaded == set()


def test_scoring_standard_input_loads_nothing_that_trains(tiny_release: Release) -> None:
    output, loaded = probe("score", "-", "--release", tiny_release.folder, stdin=f"{ADVERT}\n{CALM}\n")
    judged, status = output.splitlines()[:-1], output.splitlines()[-1]
    assert [(each["id"], each["decision"]) for each in map(json.loads, judged)] == [("1", "review"), ("2", "allow")]
    assert status == "status 0"
    assert "onnxruntime" in loaded
    assert not loaded & {"torch", "transformers", "datasets", "sklearn", "scipy", "onnx", "fastapi"}
