from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.lexicon import Lexicon, Term
from models.verdict import Intent, Kind, NpsClass, Span, Status
from training.cards import NOT_ADVERT
from training.config import Sample
from training.corpus import Row
from training.grouping import group_rows
from training.protocol_pool import SMALL, Budget, load_protocol, pool_of
from training.protocol_splits import ProtocolSplit, protocol_splits, random_split, time_split
from training.protocol_words import choose_words, unseen_slang, unseen_substances

WORDS = [a + b + c for a in ("ka", "lo", "mi", "ne", "pu") for b in ("ra", "so", "ti") for c in ("ven", "dok", "lish")]
NAMES = ("ketamine", "mephedrone", "methoxetamine", "flubromazolam", "phenibut", "clonazolam")
LEXICON = Lexicon(Term(name, name, NpsClass.CONTROLLED, status=Status.CONFIRMED) for name in NAMES)
SLANG = ("zorple", "blinko", "quabs", "tillen")
SAMPLE = Sample(calibrate_share=0.25, test_share=0.25, ordinary=("stream",))
BUDGET = Budget(least=2, test_negatives=4, words_from=0.05, words_to=0.9)
SELL = frozenset({Intent.SELL})


def text(seed: int) -> str:
    return " ".join(random.Random(seed).sample(WORDS, 9))


def marked(id_: str, words: str, slang: str, *, advert: bool, lang: str, group: str | None = None) -> Row:
    """An authored row whose last word is marked as slang."""
    whole = f"{words} {slang}"
    span = Span(len(words) + 1, len(whole), Kind.SLANG, slang)
    return Row(id_, whole, SELL if advert else NOT_ADVERT, "authored", lang=lang, spans=(span,), group=group)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Some sixty rows: two markets that copy each other, a stream, and authored pairs in three languages."""
    market = [Row(f"m{n}", f"{text(n)} {NAMES[n % 6]}", SELL, "market", year="2014") for n in range(12)]
    forum = [Row(f"f{n}", f"{text(100 + n)} {NAMES[n % 5]}", SELL, "forum", year=f"201{1 + n % 3}") for n in range(9)]
    copies = [Row(f"c{n}", f"{market[n].text} 20 €!", SELL, "forum", year="2013") for n in range(3)]
    talk = [Row(f"t{n}", f"{text(200 + n)} {NAMES[n % 6]}", NOT_ADVERT, "forum", year="2012") for n in range(6)]
    stream = [Row(f"s{n}", text(300 + n), NOT_ADVERT, "stream", lang=("en", "pl")[n % 2]) for n in range(24)]
    said = [Row(f"z{n}", f"{slang.upper()}! {text(400 + n)}", NOT_ADVERT, "stream") for n, slang in enumerate(SLANG)]
    pairs = [
        marked(f"a{n}{side}", text(500 + 2 * n + side), SLANG[n % 4], advert=side == 0, lang=lang, group=f"p{n}")
        for n, lang in enumerate(("de", "nl", "pl", "en") * 2)
        for side in (0, 1)
    ]
    return [*market, *forum, *copies, *talk, *stream, *said, *pairs]


def made(rows: Sequence[Row], *, budget: Budget = BUDGET, seed: int = 3) -> dict[str, ProtocolSplit]:
    families = (("de", "nl"), ("pl",), ("sv",))
    found = protocol_splits(rows, lexicon=LEXICON, sample=SAMPLE, budget=budget, seed=seed, languages=families)
    return {split.name: split for split in found}


@pytest.fixture(scope="module")
def splits(rows: list[Row]) -> dict[str, ProtocolSplit]:
    return made(rows)


def ids(*parts: Sequence[Row]) -> set[str]:
    return {row.id for part in parts for row in part}


def test_each_source_with_enough_adverts_and_each_family_is_held_out(splits: dict[str, ProtocolSplit]) -> None:
    assert list(splits) == [
        *("random", "grouped", "source held out: authored", "source held out: forum", "source held out: market"),
        *("time-forward", "unseen substance", "unseen slang"),
        *("language held out: de, nl", "language held out: pl", "language held out: sv"),
    ]
    assert [name for name, split in splits.items() if split.why] == ["language held out: sv"]


@pytest.mark.parametrize("seed", range(5))
def test_no_test_has_a_near_copy_or_a_pair_in_training_or_calibration(rows: list[Row], seed: int) -> None:
    numbers = dict(zip([row.id for row in rows], group_rows(rows).tolist(), strict=True))
    for split in made(rows, seed=seed).values():
        trained, calibrated, tested = (
            {numbers[row.id] for row in part} for part in (split.train, split.calibrate, split.test)
        )
        assert split.copies == sum(numbers[row.id] in trained | calibrated for row in split.test)
        if split.name != "random":
            assert not trained & tested
            assert not calibrated & tested
            assert not trained & calibrated


def test_random_rows_leak_what_groups_do_not() -> None:
    originals = [Row(f"r{n}", text(n), SELL if n % 2 else NOT_ADVERT, "stream") for n in range(40)]
    copies = [replace(row, id=f"{row.id}-copy", text=f"{row.text} 20 €") for row in originals]
    pool = pool_of([*originals, *copies], SAMPLE, BUDGET, seed=1)
    split = random_split(pool)
    assert split.copies > len(split.test) / 3
    assert not ids(split.test) & ids(split.train, split.calibrate)


def test_a_source_is_gone_with_its_near_copies_elsewhere(splits: dict[str, ProtocolSplit]) -> None:
    split = splits["source held out: market"]
    assert {f"m{n}" for n in range(12)} <= ids(split.test)
    assert not ids(split.train, split.calibrate) & {*(f"m{n}" for n in range(12)), "c0", "c1", "c2"}
    assert not ids(split.test) & {"c0", "c1", "c2"}  # of another source: neither here nor there
    assert any(row.source == "forum" for row in split.train)


def test_the_tests_share_their_ordinary_negatives(splits: dict[str, ProtocolSplit]) -> None:
    names = ["source held out: authored", "source held out: forum", "source held out: market", "time-forward"]
    shared = [ids([row for row in splits[name].test if row.source == "stream"]) for name in names]
    assert len(shared[0]) == 4
    assert shared.count(shared[0]) == len(names)


def test_an_unseen_substance_is_named_nowhere_in_training(rows: list[Row], splits: dict[str, ProtocolSplit]) -> None:
    split = splits["unseen substance"]
    chosen = split.what.split(", ")
    assert set(chosen) < set(NAMES)
    naming = ids([row for row in rows if any(name in row.text for name in chosen)])
    assert naming <= ids(split.test)
    assert any(id_.startswith("t") for id_ in naming)  # talk of it too
    assert not naming & ids(split.train, split.calibrate)
    assert any(name in row.text for row in split.train for name in NAMES if name not in chosen)


def test_unseen_slang_stands_nowhere_in_training(rows: list[Row], splits: dict[str, ProtocolSplit]) -> None:
    split = splits["unseen slang"]
    chosen = split.what.split(", ")
    assert set(chosen) < set(SLANG)
    standing = [row for row in rows if any(slang in row.text.casefold() for slang in chosen)]
    assert not ids(standing) & ids(split.train, split.calibrate)
    assert ids([row for row in standing if row.spans]) <= ids(split.test)
    assert any(row.spans for row in split.train)


def test_slang_is_found_unmarked_and_disguised_as_a_word_and_not_within_one() -> None:
    rows = [
        marked("a", text(1), "zorple", advert=True, lang="en"),
        marked("b", text(2), "ketamine", advert=True, lang="en"),  # a listed substance: no slang
        *(
            Row(f"r{n}", f"{text(9)} {word}", NOT_ADVERT, "s")
            for n, word in enumerate(("Zorple.", "z\u043erple", "zorplen"))
        ),
    ]
    found = unseen_slang(rows, LEXICON, shares=(0.1, 3.0), seed=1)
    assert found.words == ("zorple",)
    assert found.named.tolist() == [True, False, False, False, False]
    assert found.near.tolist() == [True, False, True, True, False]


def test_a_substance_is_found_by_any_of_its_surfaces_and_only_where_it_is_meant() -> None:
    terms = [
        Term("mephedrone", "mephedrone", NpsClass.CATHINONES),
        Term("meow", "mephedrone", NpsClass.CATHINONES, kind="slang", ambiguity="high"),
    ]
    words = ("mephedrone", "meph\u0435drone", "5g meow for \u20ac40", "the cat says meow")
    rows = [Row(f"r{n}", word, SELL if n == 0 else NOT_ADVERT, "s") for n, word in enumerate(words)]
    found = unseen_substances(rows, Lexicon(terms), shares=(0.5, 3.0), seed=1)
    assert found.words == ("mephedrone",)
    assert found.named.tolist() == [True, True, True, False]


def test_languages_leave_with_authored_and_real_rows(rows: list[Row], splits: dict[str, ProtocolSplit]) -> None:
    polish = splits["language held out: pl"]
    assert {row.lang for row in polish.test} == {"pl"}
    assert {row.source for row in polish.test} == {"authored", "stream"}
    assert "pl" not in {row.lang for row in (*polish.train, *polish.calibrate)}
    assert {row.is_advert for row in splits["language held out: de, nl"].test} == {True, False}
    assert splits["language held out: sv"].why == "0 adverts to test on, wanted 2"


def test_a_source_that_spans_years_is_trained_on_its_past(splits: dict[str, ProtocolSplit]) -> None:
    split = splits["time-forward"]
    assert split.what == "forum from 2013 on, after training on before"
    assert all(row.year and row.year >= "2013" for row in split.test if row.source != "stream")
    learnt = [row for row in (*split.train, *split.calibrate) if row.is_advert]
    assert {row.year for row in learnt} == {"2011", "2012"}  # no market of 2014, nothing authored without a year


@pytest.mark.parametrize(
    ("years", "why"),
    [
        ([None] * 8, "time equals source: no source with a year to its adverts"),
        (["2011-13"] * 8, "time equals source: no source with a year to its adverts"),
        (["2014"] * 8, "time equals source: adverts by year: market 2014 (8)"),
        (
            ["2013", *["2014"] * 7],
            "time equals source: adverts by year: market 2013 (1), 2014 (7); "
            "the best cut, market at 2014, has 1 on one side, wanted 2",
        ),
    ],
)
def test_where_time_equals_source_it_is_said_with_what_was_found(years: list[str | None], why: str) -> None:
    rows = [Row(f"r{n}", text(n), SELL, "market", year=year) for n, year in enumerate(years)]
    split = time_split(pool_of(rows, SAMPLE, BUDGET, seed=1))
    assert (split.why, split.train, split.calibrate, split.test) == (why, (), (), ())


Keep = Callable[[Row], bool]


@pytest.mark.parametrize(
    ("kept", "why"),
    [
        (lambda row: row.source != "stream", "0 ordinary rows to calibrate on, wanted 1"),
        (lambda row: not row.is_advert, "0 adverts to test on, wanted 2"),
        (lambda row: row.is_advert, "0 other rows to train on, wanted 2"),
    ],
)
def test_a_split_without_enough_rows_says_what_it_lacks(rows: list[Row], kept: Keep, why: str) -> None:
    split = made([row for row in rows if kept(row)])["grouped"]
    assert (split.why, split.train, split.test) == (why, (), ())


def test_each_part_is_cut_to_the_budget(rows: list[Row]) -> None:
    budget = replace(
        BUDGET, train_rows=9, calibrate_rows=6, calibrate_adverts=2, calibrate_ordinary=3, test_rows=8, test_adverts=3
    )
    for split in made(rows, budget=budget).values():
        if split.why is None:
            assert len(split.train) <= 9
            assert len(split.calibrate) <= 6
            assert sum(row.is_advert for row in split.calibrate) <= 2
            assert len(split.test) <= 8
            assert sum(row.is_advert for row in split.test) <= 3


def test_the_same_seed_makes_the_same_splits(rows: list[Row], splits: dict[str, ProtocolSplit]) -> None:
    assert made(rows) == splits
    assert made(rows, seed=4) != splits


@pytest.mark.parametrize("seed", range(5))
def test_words_are_chosen_within_the_shares(seed: int) -> None:
    rng = np.random.default_rng(seed)
    named = [frozenset(f"w{n}" for n in rng.integers(0, 60, 2)) | {"everywhere"} for _ in range(300)]
    chosen = choose_words(named, shares=(0.10, 0.15), seed=seed)
    assert "everywhere" not in chosen
    assert 30 <= sum(not chosen.isdisjoint(each) for each in named) <= 45


def test_no_words_are_chosen_of_none() -> None:
    assert choose_words([], shares=(0.1, 0.2), seed=1) == frozenset()


def test_the_shipped_budget_is_read_with_its_config() -> None:
    config, budget = load_protocol(SMALL)
    assert (config.layers, config.epochs, config.parity_rows) == (6, 1.0, 0)
    assert budget.calibrate_adverts + budget.calibrate_ordinary < budget.calibrate_rows
    assert budget.test_negatives < budget.test_rows


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("[protocol]\ntrain_row = 5", "unknown key 'train_row', wanted one of train_rows, "),
        ("[protocol]\ntrain_rows = 0.5", "train_rows is 0.5, wanted a whole number above 0"),
        ("[protocol]\nleast = 0", "least is 0, wanted a whole number above 0"),
        ("[protocol]\nwords_to = true", "words_to is True, wanted a share above 0"),
        ("layer = 6", "unknown key 'layer'"),
        ("protocol = 3", "found 3, wanted a table"),
        ("= 3", "not TOML"),
    ],
)
def test_a_budget_that_makes_no_sense_is_refused(tmp_path: Path, written: str, why: str) -> None:
    (tmp_path / "p.toml").write_text(written, encoding="utf-8")
    with pytest.raises(ValueError, match=f"p.toml.*{why}"):
        load_protocol(tmp_path / "p.toml")
