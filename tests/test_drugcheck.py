"""The functional suite stays apart from training, and its labels fit its functionalities."""

from __future__ import annotations

import json
from pathlib import Path

from models.neardup import groups
from models.verdict import ADVERT_INTENTS, Intent
from training.evaluation.agreement import agreement_lines, kappa_table, read_labels

CARDS = Path(__file__).parent.parent / "data_cards"


def read(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (CARDS / name).read_text(encoding="utf-8").rstrip("\n").split("\n")]


def test_no_near_copy_of_a_case_trains() -> None:
    train = [row["text"] for row in read("npsight_posts/train.jsonl")]
    cases = read("drugcheck/cases.jsonl")
    numbers = groups([*train, *(case["text"] for case in cases)]).tolist()
    trained = set(numbers[: len(train)])
    near = [case["id"] for case, number in zip(cases, numbers[len(train) :], strict=True) if number in trained]
    assert near == []


def test_adverts_and_others_are_labelled_as_their_functionality_says() -> None:
    cases = read("drugcheck/cases.jsonl")
    wrong = [case["id"] for case in cases if (case["functionality"][0] == "A") != (case["intent"] in ADVERT_INTENTS)]
    assert wrong == []


def test_every_language_has_two_hundred_cases_and_half_are_no_adverts() -> None:
    cases = read("drugcheck/cases.jsonl")
    assert all(sum(case["lang"] == lang for case in cases) >= 200 for lang in {case["lang"] for case in cases})
    assert sum(case["functionality"][0] == "N" for case in cases) * 2 >= len(cases)


def test_the_card_shows_the_agreement_of_the_readings_it_ships() -> None:
    readings = CARDS / "drugcheck" / "readings.tsv"
    first, second = read_labels(readings, "reader_a"), read_labels(readings, "reader_b")
    labels = {case["id"]: Intent(case["intent"]) for case in read("drugcheck/cases.jsonl") if case["id"] in first}
    card = (CARDS / "drugcheck" / "README.md").read_text(encoding="utf-8")
    shown = card.split("<!-- agreement, generated -->\n")[1].split("\n<!-- /agreement -->")[0]
    assert shown == agreement_lines(kappa_table(first, second, labels))
    assert len(first) == len(labels) == 400
