from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from models.verdict import INTENTS, Decision, Intent, Post, Verdict
from training.corpus import DataError
from training.evaluation.answers import Answer
from training.evaluation.cases import Case, choose, load_functionalities
from training.evaluation.drugcheck import answers_of, ask, load_cases, print_scorecard, run_drugcheck, scorecard
from training.evaluation.rates import rate

CARD = """# Tiny suite

| | functionality | label |
|---|---|---|
| A01 | plain sale | sell |
| A02 | vouch with a [red] route | promote |
| N01 | drug alert | harm_reduction |
| N02 | innocent homonym, not tested here at all | other |
| N03 | quoted | use_talk, or other when it is not |

| | `cases.jsonl` |
|---|---|
| functionality A01 | 3 |
"""

SELL, PROMOTE, SAFETY, TALK, OTHER = Intent.SELL, Intent.PROMOTE, Intent.HARM_REDUCTION, Intent.USE_TALK, Intent.OTHER
CASES = [
    Case("1", "one", "en", "A01", SELL, "p1"),
    Case("2", "two", "en", "A01", SELL, "p2"),
    Case("3", "three", "de", "A01", SELL),
    Case("4", "four", "en", "A02", PROMOTE, "p3"),
    Case("5", "five", "en", "N01", SAFETY, "p1"),
    Case("6", "six", "en", "N01", SAFETY, "p2"),
    Case("7", "seven", "de", "N03", TALK, "p3"),
    Case("8", "eight", "de", "N03", OTHER, "p3"),
]
# right:  1 yes, 2 yes, 3 no, 4 yes, 5 yes, 6 no, 7 yes, 8 yes
SAID = [Answer(True, SELL), Answer(True, PROMOTE), Answer(False, OTHER), Answer(True, PROMOTE)]
SAID += [Answer(False, SAFETY), Answer(True, SELL), Answer(False, OTHER), Answer(False, OTHER)]


def as_json(case: Case, **others: Any) -> dict[str, Any]:
    fields = ("id", "text", "lang", "functionality", "intent", "pair")
    return {name: getattr(case, name) for name in fields} | others


def write(folder: Path, *records: dict[str, Any], card: str = CARD) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "README.md").write_text(card, encoding="utf-8")
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
    (folder / "cases.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    return write(tmp_path / "suite", *(as_json(case) for case in CASES))


@pytest.fixture
def card(suite: Path) -> dict[str, Any]:
    return scorecard(CASES, SAID, target="hand", folder=suite)


# reading


def test_cases_are_read_with_their_pairs(suite: Path) -> None:
    assert load_cases(suite) == CASES


def test_a_text_may_hold_any_line_separator_and_a_case_more_fields(tmp_path: Path) -> None:
    record = as_json(CASES[0], text="one\u2028two\u0085three", spans=[])
    assert [case.text for case in load_cases(write(tmp_path, record))] == ["one\u2028two\u0085three"]


def test_functionalities_are_read_off_the_card(suite: Path) -> None:
    found = load_functionalities(suite)
    assert list(found) == ["A01", "A02", "N01", "N02", "N03"]
    assert (found["N03"].what, found["N03"].label) == ("quoted", "use_talk, or other when it is not")


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([], "no case in it"),
        ([as_json(CASES[0], text=" ")], "line 1: text is ' ', wanted a string that is not empty"),
        ([as_json(CASES[0]), as_json(CASES[1], lang=None)], "line 2: lang is None"),
        ([as_json(CASES[0], intent="advert")], "line 1: intent is 'advert', wanted one of sell"),
        ([as_json(CASES[0], pair=3)], "line 1: pair is 3, wanted a string or nothing"),
        ([as_json(CASES[0])] * 2, "the id '1' stands twice"),
        ([as_json(CASES[0], functionality="A99")], "1 tests 'A99', which README.md does not list"),
        ([as_json(CASES[0]), as_json(CASES[1], intent="other")], "2: A01 has adverts and others"),
    ],
)
def test_cases_that_do_not_fit_are_named(tmp_path: Path, records: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(DataError, match=said):
        load_cases(write(tmp_path, *records))


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"{\n", "line 1: not JSON"), (b"[]\n", "line 1: found a list, wanted an object"), (b"\xff\n", "not UTF-8")],
)
def test_lines_that_are_no_cases_are_named(suite: Path, content: bytes, said: str) -> None:
    (suite / "cases.jsonl").write_bytes(content)
    with pytest.raises(DataError, match=said):
        load_cases(suite)


@pytest.mark.parametrize(
    ("card", "said"), [("# none\n", "found none"), (CARD + "| A01 | again | sell |\n", "found A01 twice")]
)
def test_a_card_must_list_each_functionality_once(tmp_path: Path, card: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        load_cases(write(tmp_path, as_json(CASES[0]), card=card))


@pytest.mark.parametrize("name", ["cases.jsonl", "README.md"])
def test_a_missing_file_is_named(suite: Path, name: str) -> None:
    (suite / name).unlink()
    with pytest.raises(DataError, match=f"{name}: no such file"):
        load_cases(suite)


# choosing


@pytest.mark.parametrize(
    ("langs", "only", "ids"),
    [
        ([], [], "12345678"),
        (["de"], [], "378"),
        (["en, de"], ["A01"], "123"),
        (["en"], ["A02,N01"], "456"),
        ([], ["A02", "N03"], "478"),
    ],
)
def test_languages_and_functionalities_choose_cases(langs: list[str], only: list[str], ids: str) -> None:
    assert "".join(case.id for case in choose(CASES, langs=langs, only=only)) == ids


@pytest.mark.parametrize(
    ("langs", "only", "said"),
    [
        (["en,fr"], [], "no case has the lang 'fr', wanted some of de, en"),
        ([], ["A1"], "no case has the functionality 'A1', wanted some of A01, A02"),
        (["de"], ["A02"], "no case has both: A02, de"),
    ],
)
def test_what_no_case_has_is_refused(langs: list[str], only: list[str], said: str) -> None:
    with pytest.raises(DataError, match=said):
        choose(CASES, langs=langs, only=only)


# marking, by hand


def test_a_case_is_right_when_its_flag_is(card: dict[str, Any]) -> None:
    assert card["right"] == rate(6, 8)
    assert card["adverts"] == rate(3, 4)  # recall
    assert card["others"] == rate(1, 4)  # false flags
    assert card["languages"] == {"de": rate(2, 3), "en": rate(4, 5)}


def test_each_functionality_that_was_tested_stands_once(card: dict[str, Any]) -> None:
    listed = [(each["id"], each["advert"], each["right"], each["groups"]) for each in card["functionalities"]]
    assert listed == [
        ("A01", True, rate(2, 3), 3),
        ("A02", True, rate(1, 1), 1),
        ("N01", False, rate(1, 2), 2),
        ("N03", False, rate(2, 2), 1),
    ]
    assert card["functionalities"][3] | {"right": 0} == {
        "id": "N03",
        "what": "quoted",
        "intent": "use_talk, or other when it is not",
        "advert": False,
        "right": 0,
        "groups": 1,
    }


def test_the_weakest_are_those_that_fail_worst_first(card: dict[str, Any]) -> None:
    assert card["weakest"] == ["N01", "A01"]


def test_a_pair_is_right_when_every_member_is(card: dict[str, Any]) -> None:
    assert card["pairs"] == rate(2, 3)  # p1 and p3; of p2 the twin was flagged


def test_a_pair_of_one_side_is_no_pair(suite: Path) -> None:
    adverts = [Case("1", "x", "en", "A01", SELL, "p"), Case("2", "y", "en", "A01", SELL, "p")]
    found = scorecard(adverts, [Answer(True)] * 2, target="t", folder=suite)
    assert (found["pairs"], found["others"]) == (rate(0, 0), rate(0, 0))


def test_languages_and_functionalities_cross(card: dict[str, Any]) -> None:
    assert card["by_language"] == {
        "languages": ["de", "en"],
        "right": {"A01": [0, 2], "A02": [0, 1], "N01": [0, 1], "N03": [2, 0]},
        "of": {"A01": [1, 2], "A02": [0, 1], "N01": [0, 2], "N03": [2, 0]},
    }


def test_intents_are_a_figure_of_their_own(card: dict[str, Any]) -> None:
    found = card["intents"]
    assert found["right"] == rate(4, 8)
    assert (found["recall"]["sell"], found["recall"]["seek"]) == (rate(1, 3), rate(0, 0))
    labels, counts = found["confusion"]["labels"], found["confusion"]["counts"]
    assert labels == [str(intent) for intent in INTENTS]
    assert counts[labels.index("sell")][labels.index("promote")] == 1
    assert counts[labels.index("use_talk")][labels.index("other")] == 1


def test_no_intents_are_marked_unless_all_are_said(suite: Path) -> None:
    found = scorecard(CASES, [*SAID[:-1], Answer(False)], target="t", folder=suite)
    assert found["intents"] is None
    assert found["right"] == rate(6, 8)


def test_the_plain_baseline_stands_beside(suite: Path) -> None:
    found = scorecard(CASES, SAID, target="t", folder=suite, baseline=[True] * 8)
    assert found["baseline"] == {"right": rate(4, 8), "adverts": rate(4, 4), "others": rate(4, 4), "pairs": rate(0, 3)}
    assert [each["baseline"] for each in found["functionalities"]] == [rate(3, 3), rate(1, 1), rate(0, 2), rate(0, 2)]


def test_answers_must_be_one_a_case(suite: Path) -> None:
    with pytest.raises(ValueError, match="shorter"):
        scorecard(CASES, SAID[:-1], target="t", folder=suite)


# asking


def test_a_target_sees_ids_and_texts_alone_and_not_too_many_at_once() -> None:
    sizes: list[int] = []

    def judge(posts: Sequence[Post]) -> list[Answer]:
        sizes.append(len(posts))
        assert all(post == Post(post.id, post.text) for post in posts)
        return [Answer(post.text == "one") for post in posts]

    answers = ask(judge, CASES * 20)
    assert [answer.flag for answer in answers] == [case.text == "one" for case in CASES * 20]
    assert sizes == [64, 64, 32]


def test_a_detector_of_ours_answers() -> None:
    def detect(posts: Sequence[Post]) -> list[Verdict]:
        return [
            Verdict(post.id, Decision.REVIEW, 0.9, {each: float(each is SELL) for each in INTENTS}) for post in posts
        ]

    assert answers_of(detect, CASES[:2]) == [Answer(True, SELL, 0.9)] * 2


# printing and running


def printed(card: dict[str, Any], width: int = 100) -> list[str]:
    console = Console(width=width, file=io.StringIO())
    with console.capture() as printed:
        print_scorecard(card, console)
    return printed.get().splitlines()


@pytest.mark.parametrize("width", [80, 100, 250])
def test_a_scorecard_prints_one_line_a_functionality(card: dict[str, Any], width: int) -> None:
    lines = printed(card, width)
    assert max(map(len, lines)) <= width
    line = next(line for line in lines if line.startswith(" A02"))
    assert line.split()[:5] == ["A02", "vouch", "with", "a", "[red]"] or width == 80
    assert line.split()[-5:] == ["100.0%", "1/1", "2%", "to", "100%"]
    assert sum(line.startswith((" A0", " N0")) for line in lines) == 4


def test_a_scorecard_says_totals_pairs_and_what_is_weakest(card: dict[str, Any]) -> None:
    text = "\n".join(printed(card))
    assert "hand: cases right 75% (6 of 8; 35% to 97%)" in text
    assert "minimal pairs with every member right: 67% (2 of 3" in text
    assert "intent right: 50% (4 of 8" in text
    assert "weakest:\n- drug alert (N01) 50.0%\n- plain sale (A01) 66.7%" in text


def test_a_scorecard_of_few_cases_prints(suite: Path) -> None:
    found = scorecard(CASES[:1], [Answer(True)], target="t", folder=suite)
    text = "\n".join(printed(found))
    assert "others flagged: none" in text
    assert "no functionality fails" in text


@pytest.fixture
def detector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    source = "def judge(texts):\n    return [0.6 if text in ('one', 'six') else 0.2 for text in texts]\n"
    (tmp_path / "suite_detector.py").write_text(source, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "suite_detector", raising=False)
    return "suite_detector:judge"


def test_a_run_prints_and_writes_the_scorecard(
    suite: Path, detector: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "suite.json"
    found = run_drugcheck(detector, cases_folder=suite, out=out, langs=["en"], only=["A01,N01"])
    assert json.loads(out.read_text(encoding="utf-8")) == found
    assert (found["target"], found["right"]) == (detector, rate(2, 4))
    assert found["chosen"] == {"languages": ["en"], "functionalities": ["A01", "N01"]}
    said = capsys.readouterr()
    assert f"{detector}: cases right 50% (2 of 4" in said.out
    assert said.err == ""


def test_the_threshold_is_for_probabilities(suite: Path, detector: str) -> None:
    assert run_drugcheck(detector, cases_folder=suite, threshold=0.2)["adverts"] == rate(4, 4)
    assert run_drugcheck(detector, cases_folder=suite, threshold=0.7)["adverts"] == rate(0, 4)


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.01, float("nan")])
def test_a_threshold_that_is_no_probability_is_refused(suite: Path, detector: str, threshold: float) -> None:
    with pytest.raises(DataError, match="--threshold: found"):
        run_drugcheck(detector, cases_folder=suite, threshold=threshold)


def test_a_folder_is_no_place_for_a_scorecard(suite: Path, detector: str) -> None:
    with pytest.raises(DataError, match="is a folder, wanted a file"):
        run_drugcheck(detector, cases_folder=suite, out=suite)
