from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.detector import Detector
from models.normalise import as_written, normalise
from models.verdict import INTENTS, Decision, Detect, Intent, Kind, Post, Span, Verdict
from training.corpus import Row
from training.evaluation.attacks import ATTACKS, Attack
from training.evaluation.robustness import Chosen, attacked, average, choose_adverts, choose_twins, robustness

SELL = frozenset({Intent.SELL})
OTHER = frozenset({Intent.OTHER})
PARTIAL = frozenset({Intent.SELL, Intent.SEEK})
BY_NAME = {attack.name: attack for attack in ATTACKS}


def row(id_: str, text: str, intents: frozenset[Intent] = SELL, **fields: Any) -> Row:
    return Row(id_, text, intents, fields.pop("source", "s"), **fields)


def verdict(id_: str, *, flag: bool, probability: float = 0.5, spans: Sequence[Span] = ()) -> Verdict:
    decision = Decision.REVIEW if flag else Decision.ALLOW
    return Verdict(id_, decision, probability, dict.fromkeys(INTENTS, 1 / len(INTENTS)), spans)


def flag_if(*words: str, reading: Any = as_written) -> Detect:
    """A word list as a detector."""

    def detect(posts: Sequence[Post]) -> list[Verdict]:
        texts = [each.text for each in reading([post.text for post in posts])]
        return [
            verdict(post.id, flag=any(word in text for word in words)) for post, text in zip(posts, texts, strict=True)
        ]

    return detect


def chosen(rows: Sequence[Row], *, flagged: bool = True) -> list[Chosen]:
    return [Chosen(each, each.spans or (), flagged) for each in rows]


def entries(report: dict[str, Any]) -> dict[tuple[str, int], dict[str, Any]]:
    return {(each["attack"], each["strength"]): each for each in report["attacks"]}


def share(rate: dict[str, Any]) -> tuple[int, int]:
    return rate["count"], rate["of"]


ADVERTS = chosen([row(f"a{number}", f"got ketamine at the corner, batch {number}") for number in range(25)])
TWINS = chosen([row(f"t{number}", f"our library is lovely {number}", OTHER) for number in range(10)], flagged=False)


def test_an_attack_that_the_normaliser_undoes_succeeds_only_without_it() -> None:
    attacks = [BY_NAME["zero_width"], BY_NAME["case"]]
    report = attacked(
        flag_if("ketamine", reading=normalise), flag_if("ketamine"), ADVERTS, TWINS, attacks=attacks, strengths=(1, 3)
    )
    found = entries(report)
    assert set(found) == {("zero_width", 1), ("zero_width", 3), ("case", 1), ("case", 3)}
    assert share(found["zero_width", 1]["success"]) == (0, 25)
    assert share(found["zero_width", 1]["success_unnormalised"]) == (25, 25)
    assert share(found["case", 1]["success"]) == share(found["case", 1]["success_unnormalised"]) == (25, 25)
    assert (report["adverts"], report["twins"]) == (25, 10)


def test_without_the_normaliser_only_what_is_caught_so_can_slip_past() -> None:
    hidden = chosen([row(f"h{number}", f"got k\u200betamine, batch {number}") for number in range(5)])
    report = attacked(
        flag_if("ketamine", reading=normalise),
        flag_if("ketamine"),
        [*ADVERTS, *hidden],
        [],
        attacks=[BY_NAME["innocent_padding"]],
        strengths=(1,),
    )
    (entry,) = report["attacks"]
    assert share(entry["success"]) == (0, 30)
    assert share(entry["success_unnormalised"]) == (0, 25)
    assert report["adverts_unnormalised"] == 25
    assert entry["twin_false_flags"]["share"] is None


def test_a_twin_counts_as_a_false_flag_only_where_the_attack_made_it_one() -> None:
    upper = Attack("upper", "all in capitals", lambda text, spans, strength, rng: text.upper())
    flagged = chosen([row("u", "OUR LIBRARY", OTHER)])
    report = attacked(flag_if("ketamine", "LIBRARY"), flag_if(), ADVERTS, [*TWINS, *flagged], attacks=[upper])
    for entry in report["attacks"]:
        assert share(entry["twin_false_flags"]) == (10, 10)
        assert share(entry["twin_false_flags_clean"]) == (1, 11)


def test_every_attack_is_told_with_its_sentence_and_whether_it_is_held_out() -> None:
    report = attacked(flag_if("ketamine"), flag_if("ketamine"), ADVERTS, TWINS, strengths=(2,))
    told = [(each["attack"], each["what"], each["held_out"]) for each in report["attacks"]]
    assert told == [(attack.name, attack.what, attack.held_out) for attack in ATTACKS]
    assert json.loads(json.dumps(report)) == report


def test_the_same_seed_finds_the_same() -> None:
    detect = flag_if("ketamine", reading=normalise)
    reports = [attacked(detect, detect, ADVERTS, TWINS, strengths=(1,), seed=seed) for seed in (3, 3, 4)]
    assert reports[0] == reports[1]
    assert reports[0] != reports[2]


def test_the_average_is_that_of_the_second_strength() -> None:
    def entry(strength: int, success: float, plain: float | None, *, held_out: bool = False) -> dict[str, Any]:
        rates = {"success": {"share": success}, "success_unnormalised": {"share": plain}}
        return {"strength": strength, "held_out": held_out, **rates}

    found = [entry(1, 0.9, 0.9), entry(2, 0.2, 0.6), entry(2, 0.4, None, held_out=True)]
    assert average(found) == {
        "strength": 2,
        "success": pytest.approx(0.3),
        "success_unnormalised": 0.6,
        "held_out": 0.4,
    }
    assert average(found[:1]) == {"strength": 1, "success": 0.9, "success_unnormalised": 0.9, "held_out": None}


# --- which posts ------------------------------------------------------------------------------------------------------


def drawn(rows: Sequence[Row], number: int, *, seed: int = 7) -> list[str]:
    verdicts = [verdict(each.id, flag=not each.id.startswith("missed")) for each in rows]
    return [each.row.id for each in choose_adverts(rows, verdicts, number, seed)]


def test_adverts_are_those_that_are_flagged() -> None:
    rows = [row("one", "x"), row("missed", "x"), row("other", "x", OTHER), row("partial", "x", PARTIAL)]
    assert drawn(rows, 9) == ["one"]


def test_adverts_are_drawn_evenly_over_languages_and_sources() -> None:
    rows = [row(f"en{number}", "x", lang="en") for number in range(50)]
    rows += [row(f"de{number}", "x", lang="de") for number in range(3)]
    rows += [row(f"market{number}", "x", lang="en", source="market") for number in range(50)]
    found = drawn(rows, 13)
    assert [sum(each.startswith(name) for each in found) for name in ("en", "de", "market")] == [5, 3, 5]
    assert found == drawn(rows, 13) != drawn(rows, 13, seed=8)


def test_adverts_with_an_authors_spans_come_first() -> None:
    rows = [row(f"plain{number}", "x") for number in range(9)] + [row("marked", "x", spans=())]
    assert drawn(rows, 1) == ["marked"]


def test_spans_are_the_authors_and_else_the_verdicts() -> None:
    own, said = Span(0, 1, Kind.SLANG, "x"), Span(2, 3, Kind.SLANG, "y")
    rows = [row("a", "x y", spans=(own,)), row("b", "x y"), row("c", "x y", spans=())]
    found = choose_adverts(rows, [verdict(each.id, flag=True, spans=[said]) for each in rows], 3, 7)
    assert {each.row.id: tuple(each.spans) for each in found} == {"a": (own,), "b": (said,), "c": ()}


def test_twins_are_first_the_pairs_of_the_adverts_then_other_pairs_then_the_hardest() -> None:
    rows = [
        row("easy", "x", OTHER),
        row("hard", "x", OTHER),
        row("advert", "x", group="g1", spans=()),
        row("partial", "x", PARTIAL, group="g1", spans=()),
        row("other pair", "x", OTHER, group="g2", spans=()),
        row("pair", "x", OTHER, group="g1", spans=()),
        row("pair of another source", "x", OTHER, group="g1"),
    ]
    probabilities = {"hard": 0.9, "easy": 0.1}
    verdicts = [verdict(each.id, flag=False, probability=probabilities.get(each.id, 0.0)) for each in rows]
    advert = Chosen(rows[2], (), True)
    found = choose_twins(rows, verdicts, 4, 7, beside=[advert])
    assert [each.row.id for each in found] == ["pair", "other pair", "hard", "easy"]


# --- with a release ---------------------------------------------------------------------------------------------------


def tiny_rows(folder: Path) -> list[Row]:
    with (folder / "posts.jsonl").open(encoding="utf-8") as file:
        posts = [json.loads(line) for line in file]
    return [
        row(
            post["id"],
            post["text"],
            frozenset({Intent(post["intent"])}),
            lang="en",
            spans=tuple(Span(s["start"], s["end"], Kind(s["kind"]), "") for s in post["spans"]),
        )
        for post in posts
    ]


def test_a_release_is_attacked_with_and_without_its_normaliser(tiny_detector: Detector, tiny_data: Path) -> None:
    rows = tiny_rows(tiny_data)
    verdicts = tiny_detector([Post(each.id, each.text) for each in rows])
    attacks = [BY_NAME["zero_width"], BY_NAME["hashtag_stuffing"]]
    report = robustness(tiny_detector, rows, verdicts, adverts=30, twins=20, strengths=(3,), attacks=attacks)
    assert 20 <= report["adverts"] <= 30
    assert report["twins"] == 20
    found = entries(report)
    assert share(found["zero_width", 3]["success"]) == (0, report["adverts"])  # the normaliser takes it all out
    assert found["hashtag_stuffing", 3]["success_unnormalised"]["of"] == report["adverts_unnormalised"] > 0
    assert report["how"].startswith("Adverts that are flagged")


def test_too_few_caught_adverts_are_no_figure(tiny_detector: Detector) -> None:
    rows = [row(str(number), "rain again") for number in range(40)]
    verdicts = [verdict(each.id, flag=int(each.id) < 19) for each in rows]
    assert robustness(tiny_detector, rows, verdicts) == {
        "why": "19 of the adverts are flagged as they stand, and fewer than 20 say nothing."
    }


def test_a_detector_that_reads_as_written_sees_the_disguise(tiny_detector: Detector) -> None:
    plain = replace(tiny_detector, normalise=as_written)
    post = Post("a", "get 2-M\u200bMC today")
    assert any(span.term for span in tiny_detector([post])[0].spans)
    assert not any(span.term for span in plain([post])[0].spans)
