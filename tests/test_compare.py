from __future__ import annotations

import json
import random
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.policy import Bands, Policy, load_policy, save_policy
from models.release import MANIFEST, POLICY, Release, ReleaseError, open_release, save_manifest
from models.verdict import ADVERT_INTENTS, Decision, Intent, Post, Verdict
from training.corpus import DataError, Row
from training.evaluation.answers import Answer
from training.evaluation.attacks import ATTACKS
from training.evaluation.cases import Case
from training.evaluation.command import Request
from training.evaluation.compare import COMPARISON, compare_releases
from training.evaluation.compare_table import rows_shown
from training.evaluation.gate import Look
from training.evaluation.judged import Judged, release_contender
from training.evaluation.limits import load_limits
from training.evaluation.looks import Family, attack_family, guarded_attacks, suite_family

DEFAULT = load_limits()
CARD = """# A tiny suite

| | functionality | label |
|---|---|---|
| A01 | plain sale | sell |
| N01 | ordinary talk | other |
"""
SALE = ("fresh batch landed", "restock tonight", "grams on offer", "bulk deals going", "clean gear ready")
HOW = ("dm for prices", "crypto only", "stealth shipping", "write on signal", "cash or coins", "escrow fine")
TALK = ("tomatoes grow well", "our choir sings", "rain all week", "my cat sleeps", "painting the fence")
END = ("see you at noon", "photos will follow", "coffee afterwards", "children laughed", "the council agreed")


# --- what is looked at -------------------------------------------------------------------------------


def cases() -> list[Case]:
    """Four pairs of an advert and its twin, and two adverts alone."""
    paired = [
        Case(f"{name}-{number}", "text", "en", name, intent, pair=f"p{number}")
        for number in range(4)
        for name, intent in (("A01", Intent.SELL), ("N01", Intent.OTHER))
    ]
    return [*paired, *(Case(f"A02-{number}", "text", "en", "A02", Intent.PROMOTE) for number in range(2))]


def outcome(family: Family) -> dict[str, tuple[int, int, int]]:
    """What, of how many, before and after."""
    found = family.changes(DEFAULT, rounds=100)
    return {each.what: (each.before["of"], each.before["count"], each.after["count"]) for each in found}


def test_cases_functionalities_and_pairs_are_looked_at() -> None:
    asked = cases()
    right = [Answer(case.is_advert) for case in asked]
    flags_all = [Answer(True) for _ in asked]
    family = suite_family(asked, right, flags_all, {"A01": "plain sale"})
    assert outcome(family) == {
        "cases right in the suite": (10, 10, 6),
        "minimal pairs right in the suite": (4, 4, 0),
        "cases right in A01 (plain sale) of the suite": (4, 4, 4),
        "cases right in A02 of the suite": (2, 2, 2),
        "cases right in N01 of the suite": (4, 4, 0),
    }
    assert len(set(family.groups.tolist())) == 6  # a pair counts once
    assert family.guarded(DEFAULT) == 0  # too few cases


def judged(texts: Sequence[str], decisions: str) -> Judged:
    rows = [Row(str(number), text, frozenset({Intent.SELL}), "s", lang="en") for number, text in enumerate(texts)]
    verdicts = [
        Verdict(row.id, Decision.REVIEW if said == "+" else Decision.ALLOW, 0.9, {})
        for row, said in zip(rows, decisions, strict=True)
    ]
    return Judged(
        rows=rows,
        verdicts=verdicts,
        is_advert=np.ones(len(rows), dtype=bool),
        groups=np.arange(len(rows)),
        contenders=(release_contender("release", "npsight", verdicts),),
        prevalence=0.003,
        threshold=0.5,
    )


def flag_if(word: str) -> Any:
    """Make a detector that flags what holds a word, whatever its case."""

    def detect(posts: Sequence[Post]) -> list[Verdict]:
        held = (word in post.text.casefold() for post in posts)
        return [Verdict("", Decision.REVIEW if each else Decision.ALLOW, 0.9, {}) for each in held]

    return detect


def test_only_adverts_that_both_catch_are_attacked_and_with_the_same_texts() -> None:
    texts = [f"number {number} selling ketamine here" for number in range(4)]
    plan = [(attack, 3) for attack in ATTACKS if attack.name in {"case", "leet"}]
    before, after = judged(texts, "+++-"), judged(texts, "-+++")
    detects = (flag_if(""), flag_if("ketamine"))  # leet hides the word from the second, capitals do not
    family = attack_family(detects, (before, after), plan=plan)
    assert outcome(family) == {
        "success of the attacks together": (4, 0, 2),
        "success of the attack leet at strength 3": (2, 0, 2),
        "success of the attack case at strength 3": (2, 0, 0),
    }
    assert set(family.groups.tolist()) == {1, 2}


def test_nothing_that_both_catch_is_nothing_to_attack() -> None:
    detects = (flag_if("a"), flag_if("a"))
    pair = (judged(["a", "b"], "+-"), judged(["a", "b"], "-+"))
    assert outcome(attack_family(detects, pair, plan=guarded_attacks(DEFAULT))) == {}


@pytest.mark.parametrize(
    ("guarded", "tried"),
    [
        ({"all": 0.1}, 3 * len(ATTACKS)),
        ({"*": 0.0}, 3 * len(ATTACKS)),
        ({"leet at *": 0.0, "case at strength 2": 0.0}, 4),
        ({}, 0),
    ],
)
def test_only_guarded_attacks_are_tried(guarded: dict[str, float], tried: int) -> None:
    assert len(guarded_attacks(replace(DEFAULT, guarded={"attacks": guarded}))) == tried


def test_the_table_shows_losses_first_then_gains_then_what_is_not_guarded() -> None:
    of, rows = np.repeat(["lang:en", "lang:ru", "lang:de", "year:2014"], 30), np.arange(120)
    before = rows % 30 < 15
    after = before ^ ((of == "lang:ru") & (rows % 30 < 9)) ^ ((of == "lang:de") & (rows % 30 > 20)) ^ (rows > 117)
    looks = [Look("recall", name, of == name, before, after) for name in np.unique(of).tolist()]
    shown = rows_shown(Family(looks, rows).changes(DEFAULT, rounds=500))
    assert [(mark, change.where) for mark, change in shown] == [
        ("WORSE", "lang:ru"),
        ("better", "lang:de"),
        ("not guarded", "year:2014"),
    ]


# --- from two folders to a judgement -----------------------------------------------------------------


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty pairs in the words of the tiny data."""
    folder, rng = tmp_path_factory.mktemp("suite"), random.Random(4)
    (folder / "README.md").write_text(CARD, encoding="utf-8")
    with (folder / "cases.jsonl").open("w", encoding="utf-8") as file:
        for number in range(30):
            sale = " ".join([*rng.sample(SALE, 2), "mephedrone", *rng.sample(HOW, 2)])
            talk = " ".join([*rng.sample(TALK, 2), *rng.sample(END, 2)])
            for name, intent, text in (("A01", "sell", sale), ("N01", "other", talk)):
                case = {"functionality": name, "intent": intent, "text": text, "lang": "en", "pair": f"p{number}"}
                file.write(json.dumps({"id": f"{name}-{number}", **case}) + "\n")
    return folder


@pytest.fixture(scope="module")
def timid(tiny_release: Release, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny release under a policy that allows everything."""
    folder = tmp_path_factory.mktemp("timid") / "2026.1.2"
    shutil.copytree(tiny_release.folder, folder)
    policy = load_policy(folder / POLICY)
    bands = {intent: Bands(review=0.999999) for intent in ADVERT_INTENTS}
    save_policy(Policy("timid", 1, prevalence=policy.prevalence, bands=bands), folder / POLICY)
    made = ("format", "version", "created", "intents", "files")
    facts = {name: value for name, value in tiny_release.manifest.items() if name not in made}
    return save_manifest(folder, version="2026.1.2", created="2026-01-02", facts=facts).folder


@pytest.fixture
def asked(tiny_data: Path, suite: Path, tmp_path: Path) -> dict[str, Any]:
    """Both tiny files, seen rows too since few are left of them; without attacks, which take their time."""
    limits = tmp_path / "limits.toml"
    limits.write_text("[guarded.attacks]\n", encoding="utf-8")
    data = [str(tiny_data / "posts.jsonl"), str(tiny_data / "listings.csv")]
    return {"data": data, "cards": tiny_data, "suite": suite, "limits": limits, "allow_seen": True}


def passes(champion: Path, challenger: Path, *, limits: Path, **request: Any) -> bool:
    return compare_releases(champion, challenger, Request(**request), limits=limits)


def test_a_release_against_itself_passes_without_any_change(
    tiny_release: Release, asked: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked["out"] = tmp_path / "out"
    asked["limits"].write_text('[guarded.attacks]\n"case at strength 1" = 0.0\n', encoding="utf-8")
    assert passes(tiny_release.folder, tiny_release.folder, **asked)
    said = capsys.readouterr()
    assert "passes: 2026.1.1 may follow 2026.1.1" in said.out
    assert "0 worse, 0 better" in said.out
    found = json.loads((tmp_path / "out" / COMPARISON).read_text(encoding="utf-8"))
    assert {(each["lost"], each["gained"], each["difference"]["value"]) for each in found["changes"]} == {(0, 0, 0.0)}
    assert {each["measure"] for each in found["changes"]} == {"recall", "false_flags", "suite", "attacks"}
    assert 0.95 < found["judgement"]["confidence"] < 1  # each is asked more, so that together they hold at 95 %
    assert found["judgement"] | {"guarded": 0, "confidence": 0} == {
        "passes": True,
        "guarded": 0,
        "confidence": 0,
        "false_alarms_expected": 0,
        "fails": [],
        "better": [],
    }
    assert found["rows"] == 230
    assert found["cost"]["champion"]["graph_mb"] == found["cost"]["challenger"]["graph_mb"] > 0
    assert all(found["cost"][who]["posts_per_second"] > 0 for who in ("champion", "challenger"))
    assert [note.partition(":")[0] for note in found["notes"]] == ["average precision is not compared"]  # too few rows


def test_a_release_that_allows_everything_fails_by_name(
    tiny_release: Release, timid: Path, asked: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not passes(tiny_release.folder, timid, **asked, out=tmp_path / "out")
    said = capsys.readouterr().out
    assert "worse: recall over all rows fell from " in said
    assert "worse: recall in source:market fell from " in said
    assert "worse: cases right in A01 (plain sale) of the suite fell from " in said
    assert "worse: minimal pairs right in the suite fell from " in said
    assert "fails: 2026.1.2 may not follow 2026.1.1" in said
    assert "the limits guard no attack: none was tried" in said
    found = json.loads((tmp_path / "out" / COMPARISON).read_text(encoding="utf-8"))
    assert (found["champion"]["release"], found["challenger"]["policy"]) == ("2026.1.1", "timid@1")


def test_the_other_way_round_passes_and_nothing_is_written_unasked(
    tiny_release: Release, timid: Path, asked: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked["limits"].write_text("[guarded.attacks]\n[guarded.false_flags]\n", encoding="utf-8")
    assert passes(timid, tiny_release.folder, **asked | {"suite": tmp_path / "nowhere"})
    said = capsys.readouterr().out
    assert "better" in said
    assert f"no functional suite in {tmp_path / 'nowhere'}: none was compared" in said.replace("\n", "")
    assert [path.name for path in tmp_path.iterdir()] == ["limits.toml"]


def test_rows_that_either_release_was_trained_on_are_left_out(
    tiny_release: Release, timid: Path, asked: dict[str, Any], tmp_path: Path
) -> None:
    asked["limits"].write_text("together = true\n[guarded.attacks]\n", encoding="utf-8")
    passes(tiny_release.folder, timid, **asked | {"allow_seen": False, "out": tmp_path / "out"})
    found = json.loads((tmp_path / "out" / COMPARISON).read_text(encoding="utf-8"))
    assert found["seen_in_training"] > 0
    assert found["rows"] + found["seen_in_training"] == 230
    assert found["judgement"]["confidence"] > found["limits"]["confidence"]  # shared among all that is guarded


def test_what_cannot_be_compared_is_said_in_one_sentence(
    tiny_release: Release, asked: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(ReleaseError, match=r"no manifest\.json there"):
        passes(tiny_release.folder, tmp_path, **asked)
    with pytest.raises(DataError, match="no such file"):
        passes(tiny_release.folder, tiny_release.folder, **asked | {"data": ["nowhere.jsonl"]})
    asked["limits"].write_text("least = 1", encoding="utf-8")
    with pytest.raises(ValueError, match="unknown key 'least'"):
        passes(tiny_release.folder, tiny_release.folder, **asked)


def test_releases_that_order_their_labels_otherwise_are_refused(
    tiny_release: Release, asked: dict[str, Any], tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(tiny_release.folder, other)
    manifest = json.loads((other / MANIFEST).read_text(encoding="utf-8"))
    manifest["intents"].reverse()
    (other / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    assert open_release(tiny_release.folder)
    with pytest.raises(ReleaseError, match="found intents in the order"):
        passes(tiny_release.folder, other, **asked)
