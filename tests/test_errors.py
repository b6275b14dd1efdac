from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from models.verdict import ADVERT_INTENTS, INTENTS, Decision, Intent, Kind, Span, Verdict
from training.cards import NOT_ADVERT
from training.corpus import Row
from training.evaluation.errors import CAP, LONGEST, Nearest, errors
from training.evaluation.judged import Judged, release_contender
from training.evaluation.slices import slices_of

SELL = frozenset({Intent.SELL})
OTHER = frozenset({Intent.OTHER})
NEWS = frozenset({Intent.NEWS_SCIENCE})


def row(id_: str, label: frozenset[Intent] = SELL, text: str = "text", **fields: Any) -> Row:
    return Row(id_, text, label, fields.pop("source", "s"), **fields)


def verdict(probability: float, *, flag: bool | None = None, text: str = "") -> Verdict:
    flagged = probability >= 0.5 if flag is None else flag
    shares = {each: probability / 3 if each in ADVERT_INTENTS else (1 - probability) / 5 for each in INTENTS}
    shares |= {Intent.SELL: shares[Intent.SELL] + 1e-6, Intent.SEEK: shares[Intent.SEEK] + 1e-6}
    spans = [Span(0, len(text), Kind.SLANG, text)] if text else []
    decision = Decision.REVIEW if flagged else Decision.ALLOW
    return Verdict("x", decision, probability, shares, spans=spans, reasons=[f"offers {text}"])


def judged(rows: list[Row], verdicts: list[Verdict], prevalence: float = 0.5) -> Judged:
    return Judged(
        rows=rows,
        verdicts=verdicts,
        is_advert=np.array([each.is_advert for each in rows], dtype=bool),
        groups=np.arange(len(rows)),
        contenders=(release_contender("release", "npsight", verdicts),),
        prevalence=prevalence,
        threshold=0.5,
    )


def listed(rows: list[Row], probabilities: list[float], **options: Any) -> dict[str, Any]:
    data = judged(rows, [verdict(each) for each in probabilities])
    return errors(data, slices_of(data), texts=options.pop("texts", "none"), **options)


def ids(entries: list[dict[str, Any]]) -> list[str]:
    return [entry["id"] for entry in entries]


def test_the_surest_mistakes_come_first_on_both_sides() -> None:
    rows = [row("a"), row("b"), row("c"), row("d", OTHER), row("e", OTHER), row("f", OTHER)]
    found = listed(rows, [0.4, 0.1, 0.9, 0.6, 0.95, 0.2])
    assert ids(found["missed"]) == ["b", "a"]
    assert ids(found["wrong_flags"]) == ["e", "d"]
    assert found["texts"] == "none"


def test_an_entry_says_what_was_true_and_what_was_said() -> None:
    found = listed([row("a", lang="de"), row("b", NOT_ADVERT), row("c", ADVERT_INTENTS)], [0.1, 0.9, 0.2])
    assert found["missed"][0] == {
        "id": "a",
        "slice": "lang:de",
        "truth": "sell",
        "said": "seek",
        "advert_probability": 0.1,
        "text": None,
        "nearest": [],
    }
    assert (found["missed"][1]["truth"], found["missed"][1]["said"]) == ("advert, unknown", "seek")
    assert (found["wrong_flags"][0]["truth"], found["wrong_flags"][0]["said"]) == ("no advert, unknown", "sell")


def test_without_mistakes_the_lists_are_empty() -> None:
    found = listed([row("a"), row("b", OTHER)], [0.9, 0.1])
    assert (found["missed"], found["wrong_flags"]) == ([], [])


def test_a_row_stands_once_under_the_slice_in_which_it_ranks_worst() -> None:
    # in German b is the surest mistake; among all of the source only the second
    rows = [row("a", lang="en"), row("b", lang="de"), row("c", lang="en")]
    found = listed(rows, [0.1, 0.2, 0.9])
    assert [(entry["id"], entry["slice"]) for entry in found["missed"]] == [("a", "source:s"), ("b", "lang:de")]


def test_at_most_so_many_stand_under_one_slice() -> None:
    rows = [row(str(n), lang="en") for n in range(30)] + [row("ru", lang="ru")]
    found = listed(rows, [0.01 + n / 100 for n in range(30)] + [0.45], most=2)
    slices = [entry["slice"] for entry in found["missed"]]
    assert len(set(ids(found["missed"]))) == len(found["missed"])
    assert max(slices.count(name) for name in slices) == 2
    assert set(slices) == {"lang:en", "lang:ru", "source:s", "intent:sell"}  # and "all" is no slice of its own here
    assert "ru" in ids(found["missed"])  # a small language is heard beside a large one
    assert [entry["advert_probability"] for entry in found["missed"]] == sorted(
        entry["advert_probability"] for entry in found["missed"]
    )


def test_the_list_of_a_side_is_capped() -> None:
    rows = [row(str(n), OTHER, source=f"s{n % 50}") for n in range(500)]
    found = listed(rows, [0.5 + n / 1001 for n in range(500)], most=5)
    assert len(found["wrong_flags"]) == CAP
    assert len({entry["slice"] for entry in found["wrong_flags"]} & {f"source:s{n}" for n in range(50)}) >= 49
    assert found["missed"] == []


SECRET = "zorple at @quietfox9 tonight"
PUBLIC = "we wrote this ourselves, see @openhand1"


def told(texts: str) -> dict[str, Any]:
    """Missed, wrongly flagged and suspect rows, quotable and not, with a trained row of each kind."""
    rows = [row("m", text=SECRET), row("q", text=PUBLIC, quotable=True), row("w", OTHER, text=SECRET)]
    rows += [row(f"{place}", text=f"clean gear {place}") for place in range(20)]
    rows += [row(f"o{place}", OTHER, text=f"calm words {place}") for place in range(20)]
    verdicts = [verdict(0.001, text=SECRET), verdict(0.002, text=PUBLIC), verdict(0.999, text=SECRET)]
    verdicts += [verdict(0.99)] * 20 + [verdict(0.01)] * 20
    data = judged(rows, verdicts)
    trained = Nearest.fit([row("t1", text=SECRET), row("t2", text="zorple for you", quotable=True)])
    return errors(data, slices_of(data), texts=texts, nearest=trained)


@pytest.mark.parametrize("texts", ["none", "quotable", "something else"])
def test_nothing_of_a_text_that_is_not_quotable_is_told(texts: str) -> None:
    dumped = json.dumps(told(texts), ensure_ascii=False)
    assert not [words for words in ("quietfox9", "tonight", "zorple at", "clean gear", "calm words") if words in dumped]
    assert ("we wrote this" in dumped) == (texts == "quotable")
    assert ("zorple for you" in dumped) == (texts == "quotable")  # the quotable row that was trained on
    assert dumped.count("zorple") == dumped.count("zorple for you")


def test_quotable_texts_are_told_as_they_are() -> None:
    found = told("quotable")
    assert {entry["id"]: entry["text"] for entry in found["missed"]} == {"m": None, "q": PUBLIC}
    assert [entry["text"] for entry in found["wrong_flags"]] == [None]
    assert {entry["id"]: entry["text"] for entry in found["label_suspects"]} == {"m": None, "q": PUBLIC, "w": None}


def test_masked_texts_keep_their_words_and_lose_their_contacts() -> None:
    found = told("masked")
    texts = {entry["id"]: entry["text"] for entry in found["missed"] + found["wrong_flags"]}
    assert texts["q"] == PUBLIC
    assert texts["m"].startswith("zorple at @")
    assert texts["m"].endswith(" tonight")
    assert "quietfox9" not in json.dumps(found)
    assert texts["m"] == texts["w"] == found["label_suspects"][0]["text"]  # one seller stays one in one report


def test_another_run_masks_with_another_key() -> None:
    assert told("masked")["missed"][0]["text"] != told("masked")["missed"][0]["text"]


def test_a_long_text_is_cut() -> None:
    found = listed([row("a", text="word " * 1000, quotable=True), row("b", OTHER)], [0.1, 0.1], texts="quotable")
    assert found["missed"][0]["text"] == ("word " * 1000)[:LONGEST]


TRAINED = [
    row("1", text="fresh zorple in stock, dm me", quotable=True),
    row("2", NEWS, text="police seized new substances in the harbour", quotable=True),
    row("3", NEWS, text="police seized a ship in the harbour", quotable=False),
]


def test_the_nearest_are_quotable_rows_by_likeness() -> None:
    ((first, second),) = Nearest.fit(TRAINED).nearest(["police seized a ship in the harbour"])
    assert (first["id"], first["intent"], first["text"]) == ("2", "news_science", TRAINED[1].text)
    assert second["id"] == "1"
    assert 1 > first["similarity"] > second["similarity"] >= 0


def test_the_same_text_is_nearest_with_likeness_one() -> None:
    ((first,),) = Nearest.fit(TRAINED).nearest([TRAINED[0].text], count=1)
    assert first["id"] == "1"
    assert first["similarity"] == pytest.approx(1)


@pytest.mark.parametrize(("rows", "texts"), [([], ["a"]), (TRAINED[2:], ["a"]), (TRAINED, [])])
def test_without_rows_or_texts_there_is_nothing_near(rows: list[Row], texts: list[str]) -> None:
    assert Nearest.fit(rows).nearest(texts) == [[] for _ in texts]


def test_each_mistake_carries_its_nearest_rows() -> None:
    rows = [row("a", text="zorple in stock"), row("b", OTHER, text="police in the harbour")]
    found = listed(rows, [0.1, 0.9], nearest=Nearest.fit(TRAINED), texts="quotable")
    assert ids(found["missed"][0]["nearest"]) == ["1", "2"]
    assert ids(found["wrong_flags"][0]["nearest"]) == ["2", "1"]
    assert found["missed"][0]["nearest"][0]["text"] == TRAINED[0].text


def suspects(prevalence: float, probabilities: list[float], labels: list[frozenset[Intent]]) -> list[dict[str, Any]]:
    rows = [row(str(place), label) for place, label in enumerate(labels)]
    data = judged(rows, [verdict(each) for each in probabilities], prevalence)
    found: list[dict[str, Any]] = errors(data, slices_of(data), texts="none")["label_suspects"]
    return found


def test_labels_that_the_release_speaks_against_are_suspects_the_worst_first() -> None:
    found = suspects(0.5, [0.9] * 30 + [0.02] + [0.1] * 30 + [0.95], [SELL] * 31 + [OTHER] * 31)
    assert [(entry["id"], entry["truth"]) for entry in found] == [("30", "sell"), ("61", "other")]
    assert [entry["quality"] for entry in found] == pytest.approx([0.02, 0.05])
    assert found[0]["advert_probability"] == 0.02


def test_quality_is_that_of_as_many_adverts_as_others_whatever_the_prevalence() -> None:
    # at a prevalence of 0.003 an advert at odds of even in the training mix stands at 0.003
    def at(probability: float) -> float:
        odds = probability / (1 - probability) * 0.003 / 0.997
        return odds / (1 + odds)

    probabilities = [0.9] * 30 + [0.02] + [0.1] * 30 + [0.95]
    found = suspects(0.003, [at(each) for each in probabilities], [SELL] * 31 + [OTHER] * 31)
    assert ids(found) == ["30", "61"]
    assert [entry["quality"] for entry in found] == pytest.approx([0.02, 0.05])


def test_labels_that_fit_are_no_suspects_and_twenty_are_enough() -> None:
    assert suspects(0.5, [0.9] * 30 + [0.1] * 30, [SELL] * 30 + [OTHER] * 30) == []
    assert len(suspects(0.5, [0.9] * 100 + [0.01] * 30 + [0.1] * 100, [SELL] * 130 + [OTHER] * 100)) == 20


@pytest.mark.parametrize("label", [SELL, OTHER])
def test_one_side_alone_has_no_suspects_and_says_why(label: frozenset[Intent]) -> None:
    found = listed([row("a", label), row("b", label)], [0.1, 0.9])
    assert found["label_suspects"] == []
    assert found["why"] == "no suspects among labels that are all the same side"


def test_without_rows_there_is_nothing_to_list() -> None:
    found = listed([], [])
    assert (found["missed"], found["wrong_flags"], found["label_suspects"]) == ([], [], [])


def test_two_rows_are_enough_to_run() -> None:
    assert listed([row("a"), row("b", OTHER)], [0.9, 0.1])["label_suspects"] == []
