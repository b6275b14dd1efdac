"""The shipped model card says what the shipped report says, and nothing else."""

from __future__ import annotations

import json

from models.release import CARD, DEFAULT_RELEASE, REPORT, open_release
from training.card_tables import in_words
from training.evaluation.floor_measures import budget_of
from training.evaluation.rates import rate
from training.model_card import model_card, raised


def test_the_shipped_card_is_generated_from_its_report() -> None:
    release = open_release(DEFAULT_RELEASE)
    report = json.loads(release.path(REPORT).read_text(encoding="utf-8"))
    assert release.path(CARD).read_text(encoding="utf-8") == model_card(release.version, release.manifest, report)


def test_a_rate_is_said_with_its_counts_and_interval() -> None:
    assert in_words(rate(3, 1000)) == "0.30% (3 of 1,000; 0.06% to 0.87%)"
    assert in_words(rate(97, 100)) == "97% (97 of 100; 91% to 99%)"


def test_nothing_to_count_is_said_and_not_shown_as_zero() -> None:
    assert in_words(rate(0, 0)) == "none"


def test_a_raised_threshold_says_what_share_of_its_flags_may_be_wrong() -> None:
    said = raised({"raised": {"sell": 0.1358}}, {"most_wrong": 0.125})
    assert "`sell` 0.1358" in said
    assert said.endswith("were written to be hard: ordinary posts hold next to nothing like them.")
    assert "no more than 12.5 % of an intent's flags" in said
    assert raised({}, {}) == ""


def test_a_run_says_its_own_budget_and_rate_and_else_the_protocol_s() -> None:
    protocol = {"budget": "6 layers", "false_flags_per_10000": 10.0}
    assert budget_of({}, protocol) == "6 layers; threshold at 10.0 false flags in 10,000"
    own = {"budget": "4 layers", "false_flags_per_10000": 2.6, "posts": 8000}
    wanted = "4 layers, 8,000 posts of our own beside them; threshold at 2.6 false flags in 10,000"
    assert budget_of(own, protocol) == wanted
    assert budget_of({}, {"budget": "6 layers"}) == "6 layers"
