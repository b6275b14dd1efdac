"""Floors: what a release shall reach, held against small made-up reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sample_report import sample_report  # type: ignore[import-not-found]  # pytest finds it beside this file

from training.card_tables import floor_table, floors_line
from training.evaluation.floor_measures import MEASURES
from training.evaluation.floors import Floor, floors_of, load_floors, measure_floors
from training.evaluation.rates import no_figure, rate

Part = dict[str, Any]


def measured(report: Part, measure: str, on: str = "", *, at_least: float | None = None, at_most: float = 1.0) -> Part:
    """The entry of one floor."""
    wanted, floor = ("at most", at_most) if at_least is None else ("at least", at_least)
    return measure_floors(report, [Floor("a", "a sentence", measure, on, wanted, floor)])[0]


def slices(**recalls: tuple[int, int]) -> Part:
    """Slices of the kind written: recall, twice as much missed by the baseline, and as many false flags."""
    return {
        "slices": {
            f"written:{name}": {
                "release": {"recall": rate(*counts), "false_flags": rate(0, 5)},
                "baseline": {"recall": rate(counts[0] // 2, counts[1]), "false_flags": rate(0, 5)},
            }
            for name, counts in recalls.items()
        }
    }


def attack(name: str, hidden: int, *, strength: int = 2, held_out: bool = False, twins: int = 0) -> Part:
    return {
        **{"attack": name, "strength": strength, "held_out": held_out},
        **{"success": rate(hidden, 100), "twin_false_flags": rate(twins, 50)},
    }


def attacks(*found: Part) -> Part:
    return {"robustness": {"attacks": list(found)}}


def functionality(id_: str, intent: str, right: int, of: int = 50, baseline: int | None = None) -> Part:
    plain = {} if baseline is None else {"baseline": rate(baseline, of)}
    return {"id": id_, "what": f"what {id_} asks", "intent": intent, "right": rate(right, of), **plain}


def suite(*functionalities: Part, **totals: Any) -> Part:
    return {"suite": {"functionalities": list(functionalities), **totals}}


# --- met, missed, not shown -------------------------------------------------------------------------------------------


def test_a_floor_that_the_estimate_meets_is_met_whatever_its_interval() -> None:
    assert measured(slices(de=(17, 20)), "slice_recall", "written:de", at_least=0.85) == {
        **{"name": "a", "sentence": "a sentence", "wanted": "at least", "floor": 0.85, "unit": "share"},
        **{"value": 0.85, "low": pytest.approx(0.621, abs=0.001), "high": pytest.approx(0.968, abs=0.001)},
        **{"of": 20, "baseline": 0.4, "at": "", "met": True},
    }


@pytest.mark.parametrize(
    ("wanted", "floor", "value", "met"),
    [
        ("at least", 0.85, 0.85, True),
        ("at least", 0.85, 0.8499, False),
        ("at least", 0.85, 1.0, True),
        ("at most", 0.05, 0.05, True),
        ("at most", 0.05, 0.0501, False),
        ("at most", 0.05, (0.02 + 0.07 + 0.06) / 3 + 1e-17, True),  # the last bit of a sum is no miss
        ("at most", 0.0, 0, True),
        ("at most", 0.0, 1, False),
    ],
)
def test_the_floor_itself_meets_it(wanted: str, floor: float, value: float, met: bool) -> None:
    assert Floor("a", "s", "suite", "right", wanted, floor).is_met_by(value) == met


def test_what_the_report_cannot_show_has_a_reason_and_no_figure() -> None:
    assert measured({}, "suite", "right") == {
        **{"name": "a", "sentence": "a sentence", "wanted": "at most", "floor": 1.0, "unit": "share"},
        "why": "no suite in this report",
    }


@pytest.mark.parametrize(
    ("report", "measure", "on", "why"),
    [
        ({"suite": {"why": "no functional suite in there"}}, "suite", "right", "no functional suite in there"),
        ({"suite": {"why": "no functional suite in there"}}, "worst_functionality", "", "no functional suite in there"),
        ({"robustness": {"why": "3 are flagged"}}, "worst_attack", "", "3 are flagged"),
        (attacks(attack("leet", 3, strength=1)), "worst_attack", "", "no attacks at strength 2"),
        (attacks(attack("leet", 3)), "attacks_success", "held_out", "no held-out attacks at strength 2"),
        ({}, "held_out_source", "agora", "no protocol runs in this report"),
        (slices(de=(3, 19)), "slice_recall", "written:de", "19 to count, fewer than 20"),
        (slices(de=(0, 0)), "slice_recall", "written:de", "there was nothing to count"),
        (slices(de=(0, 0)), "slice_recall", "named:unlisted", "no slices named:unlisted in this report"),
        (slices(de=(3, 19)), "worst_slice_recall", "written", "no slices of the kind written in this report with 20"),
        (suite(functionality("A1", "sell", 5)), "suite_false_flags", "news_science", "nothing about news_science"),
        ({"terms": {"rows": 5, "both": {"words": 19, "f1": 0.5}}}, "terms_f1", "both", "19 words that name drugs"),
        ({"terms": {"rows": 5, "both": {}}}, "terms_f1", "unlisted", "no terms unlisted in this report"),
        ({"intents": {"rows": 0}}, "intents_f1", "", "0 rows with one intent, fewer than 20"),
        (
            {"calibration": {"shifted": {"ece": no_figure("no probability there")}}},
            "calibration_error",
            "ece",
            "no probability there",
        ),
        ({"differences": {"lexicon": {}}, "loses": []}, "slices_lost", "", "no differences baseline in this report"),
        ({"differences": {"baseline": {}}, "loses": []}, "slices_lost", "", "nothing was compared"),
    ],
)
def test_each_reason_is_said(report: Part, measure: str, on: str, why: str) -> None:
    found = measured(report, measure, on)
    assert why in found["why"]
    assert "value" not in found


# --- where a figure is found ------------------------------------------------------------------------------------------


def test_the_worst_language_is_named_with_those_that_are_too_small() -> None:
    report = slices(de=(18, 20), pl=(30, 40), sv=(1, 19), nl=(0, 0))
    found = measured(report, "worst_slice_recall", "written", at_least=0.85)
    assert (found["value"], found["of"], found["baseline"], found["met"]) == (0.75, 40, 15 / 40, False)
    assert found["at"] == "pl (fewer than 20 to count: sv)"


def test_a_source_held_out_is_said_with_the_budget_of_its_network() -> None:
    run: Part = {"split": "source held out: agora", "release": {"recall": rate(95, 100)}}
    run["baseline"] = {"recall": rate(60, 100)}
    protocol = {"budget": "6 layers", "false_flags_per_10000": 10, "runs": [{"split": "random"}, run]}
    found = measured({"protocol": protocol}, "held_out_source", "agora", at_least=0.9)
    assert (found["value"], found["baseline"], found["met"]) == (0.95, 0.6, True)
    assert found["at"] == "a network of its own: 6 layers; threshold at 10 false flags in 10,000"


def test_of_runs_without_a_source_the_one_that_saw_most_counts_and_an_ablation_never() -> None:
    small: Part = {"split": "source held out: agora", "visits": 10, "release": {"recall": rate(50, 100)}}
    large: Part = {"split": "folds", "visits": 90, "held_out": "dream, agora", "budget": "12 layers"}
    large |= {"sources": {"agora": {"release": {"recall": rate(95, 100)}}}, "false_flags_per_10000": 2.6}
    ablated: Part = {**large, "kind": "ablation", "visits": 99, "sources": {}}
    report = {"protocol": {"budget": "6 layers", "runs": [small, large, ablated]}}
    found = measured(report, "held_out_source", "agora", at_least=0.9)
    assert (found["value"], found["met"]) == (0.95, True)
    assert found["at"] == "a network of its own: 12 layers; threshold at 2.6 false flags in 10,000"


def test_a_run_without_figures_says_why_and_one_that_was_not_made_too() -> None:
    run = {"split": "source held out: agora", "possible": False, "why": "too few"}
    report = {"protocol": {"budget": "6 layers", "runs": [run]}}
    assert measured(report, "held_out_source", "agora")["why"] == "too few"
    assert measured(report, "held_out_source", "dream")["why"] == "the protocol has no run without dream"


def test_the_worst_functionality_is_named() -> None:
    report = suite(functionality("A1", "sell", 45), functionality("N2", "other", 20, baseline=30))
    found = measured(report, "worst_functionality", at_least=0.85)
    assert (found["value"], found["baseline"], found["at"]) == (0.4, 0.6, "N2 what N2 asks")


def test_the_suites_totals_stand_beside_the_baselines() -> None:
    report = suite(right=rate(96, 100), pairs=rate(8, 20), baseline={"right": rate(50, 100)})
    assert [measured(report, "suite", on)["baseline"] for on in ("right", "pairs")] == [0.5, None]


def test_false_flags_about_an_intent_are_counted_over_the_functionalities_that_have_it_as_their_label() -> None:
    report = suite(
        functionality("N1", "harm_reduction", 49, baseline=40),
        functionality("N2", "harm_reduction", 50, baseline=45),
        functionality("N3", "use_talk, or harm_reduction when it warns", 0, baseline=0),
    )
    found = measured(report, "suite_false_flags", "harm_reduction", at_most=0.01)
    assert (found["value"], found["of"], found["baseline"], found["met"]) == (0.01, 100, 0.15, True)
    assert found["at"] == "N1, N2"


def test_the_worst_attack_is_named_and_the_weak_and_the_strong_ones_are_left_out() -> None:
    report = attacks(
        attack("leet", 99, strength=3),
        attack("leet", 4),
        attack("case", 12, held_out=True),
        attack("leet", 90, strength=1),
    )
    found = measured(report, "worst_attack", at_most=0.1)
    assert (found["value"], found["at"], found["met"], found["baseline"]) == (0.12, "case (held out)", False, None)


def test_attacks_are_averaged_together_and_those_held_out_by_themselves() -> None:
    report = attacks(attack("leet", 2), attack("case", 6, held_out=True, twins=2), attack("leet", 90, strength=3))
    found = measured(report, "attacks_success", at_most=0.05)
    assert (found["value"], found["of"], found["met"]) == (pytest.approx(0.04), 100, True)
    assert 0 < found["low"] < 0.04 < found["high"]
    assert measured(report, "attacks_success", "held_out")["value"] == pytest.approx(0.06)
    assert measured(report, "twins_flagged")["value"] == pytest.approx(0.02)


def test_f1_has_its_interval_where_the_report_holds_one() -> None:
    words: Part = {"words": 40, "f1": 0.8, "f1_low": 0.7, "f1_high": 0.9}
    report = {"terms": {"rows": 9, "both": words}, "intents": {"rows": 90, "macro_f1": 0.6}}
    named, likely = measured(report, "terms_f1", "both"), measured(report, "intents_f1")
    assert (named["value"], named["low"], named["high"], named["of"], named["unit"]) == (0.8, 0.7, 0.9, 40, "number")
    assert (likely["value"], likely["low"], likely["of"]) == (0.6, None, 90)


def test_slices_lost_to_the_plain_baseline_beyond_chance_are_counted_and_named() -> None:
    lost = [
        {"slice": name, "to": to, "measure": "false_flags", "beyond_interval": beyond}
        for name, to, beyond in (
            ("lang:ru", "baseline", True),
            ("lang:de", "lexicon", True),
            ("all", "baseline", False),
        )
    ]
    each = {"recall": {"value": 0.1}, "false_flags": no_figure("no post")}
    report = {"differences": {"baseline": {"all": each, "lang:ru": each}}, "loses": lost}
    found = measured(report, "slices_lost", at_most=0)
    assert (found["value"], found["of"], found["at"], found["met"]) == (1, 2, "lang:ru false flags", False)
    assert measured(report | {"loses": []}, "slices_lost", at_most=0)["met"]


# --- the shipped floors -----------------------------------------------------------------------------------------------


def test_the_shipped_floors_use_every_measure_and_find_their_figures_in_a_whole_report() -> None:
    assert {floor.measure for floor in load_floors()} == set(MEASURES)
    whole = {name: part for name, part in sample_report().items() if name != "floors"}
    shown = {each["name"] for each in measure_floors(whole) if "why" not in each}
    assert {"suite", "each attack", "calibration", "held out: agora_desc", "no slice lost", "intents"} <= shown


def test_a_reason_or_nothing_in_the_place_of_a_part_never_fails() -> None:
    whole = {name: part for name, part in sample_report().items() if name != "floors"}
    paths = [[name] for name in whole]
    paths += [[name, key] for name, part in whole.items() if isinstance(part, dict) for key in part]
    insteads: list[Any] = [{"why": "a reason"}, None, []]
    for path in paths:
        for instead in insteads:
            report = json.loads(json.dumps(whole))
            place = report if len(path) == 1 else report[path[0]]
            place[path[-1]] = instead
            assert len(measure_floors(report)) == len(load_floors()), (path, instead)


def test_a_report_keeps_the_floors_that_it_was_made_with() -> None:
    own = [{"name": "mine"}]
    assert floors_of({"floors": own}) is own
    assert [each["why"] for each in floors_of({})]


def test_a_card_draws_met_missed_and_not_shown_in_words() -> None:
    assert floor_table(sample_report()["floors"]).splitlines() == [
        "Floors: met 1 of 3; 1 missed, 1 not shown.",
        "",
        "| floor | wanted | measured | TF-IDF |  |",
        "|---|---|---|---|---|",
        "| recall in the worst language: de | at least 85% | 90.0% (of 320; 86.0% to 93.0%) | 71.0% | met |",
        "| slices worse than TF-IDF: lang:nl recall | at most 0 | 3 (of 90) |  | **missed** |",
        "| twins newly flagged | at most 0.1% |  |  | not shown: 11 to count, fewer than 20 |",
    ]


def test_a_reason_in_the_place_of_floors_is_said() -> None:
    assert floor_table({"why": "none asked"}) == "Not measured: none asked."
    assert floors_line({"why": "none asked"}) == "Floors not measured: none asked."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("floor = [", "not TOML"),
        ('[[floor]]\nname = "a"\nmeasure = "suite"\nat_least = 1', "floor 1: no sentence"),
        ('[[floor]]\nname = "a"\nsentence = "s"\nmeasure = "taste"\nat_least = 1', "unknown measure 'taste'"),
        ('[[floor]]\nname = "a"\nsentence = "s"\nmeasure = "suite"', "found no bound, wanted at_least or at_most"),
        (
            '[[floor]]\nname = "a"\nsentence = "s"\nmeasure = "suite"\nat_least = 1\nat_most = 2',
            "found at_least and at_most",
        ),
        ('[[floor]]\nname = "a"\nsentence = "s"\nmeasure = "suite"\nat_least = true', "at_least is True, wanted a num"),
        ('[[floor]]\nname = 3\nsentence = "s"\nmeasure = "suite"\nat_least = 1', "name is 3, wanted a string"),
        ('[[floor]]\nname = "a"\nsentense = "s"', "unknown key 'sentense'"),
        ('[[floor]]\nname = "a"\nsentence = "s"\nmeasure = "suite"\nat_most = 1\n' * 2, "a stands twice"),
    ],
)
def test_a_floor_that_makes_no_sense_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "floors.toml").write_text(text)
    with pytest.raises(ValueError, match=message):
        load_floors(tmp_path / "floors.toml")
