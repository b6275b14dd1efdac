from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from models.verdict import ADVERT_INTENTS, INTENTS, Intent
from training.corpus import DataError
from training.evaluation.agreement import ROUNDS, agreement_lines, kappa, kappa_table, read_labels
from training.evaluation.rates import rate

SELL, OTHER = Intent.SELL, Intent.OTHER


def labels(*intents: Intent) -> dict[str, Intent]:
    return {f"p{number:03}": intent for number, intent in enumerate(intents)}


def readers(cells: dict[tuple[Intent, Intent], int]) -> tuple[dict[str, Intent], dict[str, Intent]]:
    pairs = [pair for pair, times in cells.items() for _ in range(times)]
    return labels(*(one for one, _ in pairs)), labels(*(other for _, other in pairs))


CLASSIC = readers({(SELL, SELL): 20, (SELL, OTHER): 5, (OTHER, SELL): 10, (OTHER, OTHER): 15})
# agreed 35/50 = 0.7; by chance 25/50 * 30/50 + 25/50 * 20/50 = 0.5; (0.7 - 0.5) / (1 - 0.5) = 0.4


def random_readers(seed: int, posts: int = 200) -> tuple[dict[str, Intent], dict[str, Intent]]:
    rng = np.random.default_rng(seed)
    first = rng.integers(0, len(INTENTS), posts)
    second = np.where(rng.random(posts) < 0.7, first, rng.integers(0, len(INTENTS), posts))
    one, other = ([INTENTS[place] for place in places] for places in (first.tolist(), second.tolist()))
    return labels(*one), labels(*other)


def test_kappa_of_the_classic_table_is_as_by_hand() -> None:
    found = kappa_table(*CLASSIC)
    assert found["items"] == 50
    assert found["raw"] == rate(35, 50)
    assert found["kappa"]["value"] == pytest.approx(0.4)
    assert found["advert"]["kappa"]["value"] == pytest.approx(0.4)
    sell = found["intents"]["sell"]
    assert (sell["first"], sell["second"], sell["both"], sell["raw"]) == (25, 30, 20, rate(35, 50))
    assert found["mend"] == ["sell", "other"]
    assert found["truth"] is None


def test_the_interval_is_that_of_resampled_posts() -> None:
    # 0.127 is its standard error by the formula of Fleiss, Cohen and Everitt (1969)
    found = kappa_table(*CLASSIC)["kappa"]
    assert found["low"] == pytest.approx(0.4 - 1.96 * 0.127, abs=0.03)
    assert found["high"] == pytest.approx(0.4 + 1.96 * 0.127, abs=0.03)
    assert kappa_table(*CLASSIC) == kappa_table(*CLASSIC)


@pytest.mark.parametrize("seed", range(5))
def test_every_kappa_is_scikit_learns(seed: int) -> None:
    first, second = random_readers(seed)
    found = kappa_table(first, second)
    one, other = list(first.values()), list(second.values())
    assert found["kappa"]["value"] == pytest.approx(cohen_kappa_score(one, other))
    for intent in INTENTS:
        wanted = cohen_kappa_score([each == intent for each in one], [each == intent for each in other])
        assert found["intents"][intent]["kappa"]["value"] == pytest.approx(wanted)
    sides = [[each in ADVERT_INTENTS for each in some] for some in (one, other)]
    assert found["advert"]["kappa"]["value"] == pytest.approx(cohen_kappa_score(*sides))


@pytest.mark.parametrize(
    ("counts", "value"),
    [
        ([[20, 5], [10, 15]], 0.4),
        ([[45, 15], [25, 15]], 0.1304348),  # (0.6 - 0.54) / 0.46
        ([[25, 35], [5, 35]], 0.2592593),  # (0.6 - 0.46) / 0.54
        ([[5, 0], [0, 5]], 1.0),
        ([[0, 5], [5, 0]], -1.0),
        ([[10, 0], [0, 0]], np.nan),
        ([[0, 10], [0, 0]], 0.0),  # two labels, each reader knows one of them
    ],
)
def test_kappa_of_a_table_of_counts(counts: list[list[int]], value: float) -> None:
    assert float(kappa(np.array(counts))) == pytest.approx(value, abs=1e-6, nan_ok=True)


def test_full_agreement_is_one_with_no_width() -> None:
    first, _ = random_readers(1)
    found = kappa_table(first, dict(first))
    assert found["kappa"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert found["mend"] == []


def test_one_label_alone_has_no_kappa() -> None:
    found = kappa_table(labels(SELL, SELL, SELL), labels(SELL, SELL, SELL))
    assert found["raw"] == rate(3, 3)
    assert found["kappa"]["value"] is None
    assert "chance alone" in found["kappa"]["why"]
    assert found["intents"]["seek"]["kappa"]["value"] is None
    assert found["mend"] == []
    json.dumps(found, allow_nan=False)


def test_rounds_without_a_kappa_are_left_out_of_the_interval() -> None:
    found = kappa_table(labels(SELL, SELL, SELL, OTHER), labels(SELL, SELL, SELL, OTHER))[
        "kappa"
    ]  # a third of the rounds draws no OTHER
    assert found == {"value": 1.0, "low": 1.0, "high": 1.0}


def test_order_of_posts_does_not_matter() -> None:
    first, second = random_readers(2)
    turned = dict(reversed(second.items()))
    assert kappa_table(first, turned) == kappa_table(first, second)


def test_each_reader_is_held_against_the_labels_which_may_be_more() -> None:
    first, second = CLASSIC
    found = kappa_table(first, second, first | {"unread": SELL})
    assert found["truth"]["first"]["kappa"]["value"] == 1.0
    assert found["truth"]["second"]["raw"] == rate(35, 50)
    assert found["kappa"] == kappa_table(first, second)["kappa"]


def test_the_table_of_counts_has_the_first_reader_in_its_rows() -> None:
    found = kappa_table(*CLASSIC)["confusion"]
    place = {name: number for number, name in enumerate(found["labels"])}
    cells = {
        (one, other): found["counts"][place[one]][place[other]] for one, other in product(("sell", "other"), repeat=2)
    }
    assert cells == {("sell", "sell"): 20, ("sell", "other"): 5, ("other", "sell"): 10, ("other", "other"): 15}


@pytest.mark.parametrize(
    ("first", "second", "truth", "said"),
    [
        (labels(SELL, OTHER), labels(SELL), None, "1 posts were read by one reader only, the first of them 'p001'"),
        (labels(SELL), labels(SELL), None, "found 1 posts read by both, wanted at least 2"),
        ({}, {}, None, "found 0 posts"),
        (
            labels(SELL, OTHER),
            labels(SELL, OTHER),
            labels(SELL),
            "1 posts that were read have no label, the first of them 'p001'",
        ),
    ],
)
def test_readers_that_cannot_be_compared_are_refused(
    first: dict[str, Intent], second: dict[str, Intent], truth: dict[str, Intent] | None, said: str
) -> None:
    with pytest.raises(DataError, match=said):
        kappa_table(first, second, truth)


# the table for a card


def test_lines_say_counts_and_kappa() -> None:
    lines = agreement_lines(kappa_table(*CLASSIC)).splitlines()
    assert lines[0] == f"50 posts; the same intent in 70% (35 of 50; {rate(35, 50)['low']:.0%} to 82%)."
    assert lines[2:4] == ["|  | reader A | reader B | both | kappa (95 %) |", "|---|---|---|---|---|"]
    assert lines[4].startswith("| all eight intents | 50 | 50 | 35 | 0.40 (0.")
    assert lines[5].startswith("| advert or not | 25 | 30 | 20 | 0.40 (0.")
    assert lines[6].startswith("| sell | 25 | 30 | 20 | 0.40 (0.")
    assert lines[7] == "| recruit | 0 | 0 | 0 | not defined |"
    assert len(lines) == 4 + 2 + 8


def test_lines_hold_each_reader_against_the_labels() -> None:
    first, second = CLASSIC
    lines = agreement_lines(kappa_table(first, second, first)).splitlines()
    assert lines[2].endswith("| kappa (95 %) | A with the label | B with the label |")
    assert "| 1.00 (1.00 to 1.00) | 0.40 (" in lines[6]
    assert {line.count("|") for line in lines[2:]} == {8}


def test_how_says_the_rounds() -> None:
    assert f"{ROUNDS:,} rounds" in kappa_table(*CLASSIC)["how"]


# reading a reader's file


@pytest.mark.parametrize(
    ("name", "content", "column"),
    [
        ("a.tsv", "p1\tsell\np2\tother\n", None),
        ("a.tsv", "id\tintent\np1\tsell\n\np2\t other\n", None),
        ("a.tsv", "\ufeffid\tintent\r\np1\tsell\r\np2\tother\r\n", None),
        ("a.csv", 'id,intent,note\np1,sell,"a, b"\np2,other,\n', None),
        ("a.tsv", "id\treader_a\treader_b\np1\tseek\tsell\np2\tseek\tother\n", "reader_b"),
    ],
)
def test_labels_are_read(tmp_path: Path, name: str, content: str, column: str | None) -> None:
    (tmp_path / name).write_bytes(content.encode())
    assert read_labels(tmp_path / name, column) == {"p1": SELL, "p2": OTHER}


@pytest.mark.parametrize(
    ("content", "column", "said"),
    [
        (b"p1\tsell\np2\tbuy\n", None, "line 2: found the label 'buy' of 'p2', wanted one of sell"),
        (b"p1\n", None, "line 1: found the label '' of 'p1'"),
        (b"\tsell\n", None, "line 1: found the label 'sell' of ''"),
        (b"p1\tsell\np1\tsell\n", None, "line 2: the id 'p1' stands twice"),
        (b"id\ta\np1\tsell\n", "b", "no column 'b', found id, a"),
        (b"p1\tsell\n", "b", "no column 'b', found no line that names columns"),
        (b"p1\t\xff\n", None, "not readable"),
    ],
)
def test_a_file_that_does_not_fit_is_named(tmp_path: Path, content: bytes, column: str | None, said: str) -> None:
    (tmp_path / "a.tsv").write_bytes(content)
    with pytest.raises(DataError, match=said):
        read_labels(tmp_path / "a.tsv", column)
