from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.neardup import groups
from models.verdict import Intent
from training.cards import NOT_ADVERT
from training.config import Sample
from training.corpus import Row, load_corpus
from training.evaluation.records import read_file
from training.grouping import group_rows
from training.splits import Splits, choose, hardest, lookup, parts_of, spared, split

SAMPLE = Sample(calibrate_share=0.25, test_share=0.25)
WORDS = [a + b + c for a in ("ka", "lo", "mi", "ne", "pu") for b in ("ra", "so", "ti") for c in ("ven", "dok", "lish")]


def texts(count: int, seed: int = 0) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(rng.sample(WORDS, 9)) for _ in range(count)]


def row(id_: str, text: str, *, advert: bool = False, source: str = "s", group: str | None = None) -> Row:
    return Row(id_, text, frozenset({Intent.SELL}) if advert else NOT_ADVERT, source, group=group)


def rows(count: int, seed: int = 0) -> list[Row]:
    return [row(f"r{number}", text, advert=number % 3 == 0) for number, text in enumerate(texts(count, seed))]


def parts(splits: Splits) -> dict[str, str]:
    """The split of each id."""
    named = {"train": splits.train, "calibrate": splits.calibrate, "test": splits.test}
    return {each.id: name for name, part in named.items() for each in part}


def test_shares_are_about_what_was_asked_and_no_row_is_lost() -> None:
    found = parts(split(rows(600), SAMPLE, seed=1))
    assert len(found) == 600
    for name, share in (("train", 0.5), ("calibrate", 0.25), ("test", 0.25)):
        assert list(found.values()).count(name) / 600 == pytest.approx(share, abs=0.07)


def copies(originals: Sequence[Row]) -> list[Row]:
    """Near copies as sellers and spammers make them: other numbers, other contacts, other case."""
    changes = ("{} 20 \u20ac", "{} 250 eur", "{} @somebody", "{}!!", "  {}")
    return [
        row(f"{each.id}-copy{number}", change.format(each.text.upper()), advert=each.is_advert)
        for each in originals
        for number, change in enumerate(changes)
    ]


def test_no_near_copy_stands_on_two_sides() -> None:
    originals = rows(60)
    found = parts(split([*originals, *copies(originals)], SAMPLE, seed=1))
    for each in originals:
        assert len({name for id_, name in found.items() if id_.partition("-")[0] == each.id}) == 1


def test_the_tiny_data_have_no_near_copy_on_two_sides(tiny_data: Path) -> None:
    names = [str(tiny_data / name) for name in ("posts.jsonl", "listings.csv")]
    loaded = load_corpus(names, cards=tiny_data, read=read_file).rows
    splits = split(loaded, SAMPLE, seed=7)
    sides = [(each.text, name) for name in ("train", "calibrate", "test") for each in getattr(splits, name)]
    numbers = groups([text for text, _ in sides]).tolist()
    for (one, (_, here)), (other, (_, there)) in combinations(zip(numbers, sides, strict=True), 2):
        assert one != other or here == there


def test_an_authored_pair_stays_together_and_whole() -> None:
    pairs = [
        row(f"p{n}-{side}", text, group=f"p{n}", advert=side == "a")
        for n in range(60)
        for side, text in zip("ab", texts(2, n), strict=True)
    ]
    found = parts(split(pairs, SAMPLE, seed=2))
    assert len(found) == 120
    assert all(found[f"p{n}-a"] == found[f"p{n}-b"] for n in range(60))
    assert len(set(found.values())) == 3


def test_a_pair_and_a_near_copy_chain_into_one_group() -> None:
    one, two, other = texts(3)
    linked = [row("a", one, group="p"), row("b", two, group="p"), row("c", two + "!"), row("d", other)]
    numbers = group_rows(linked).tolist()
    assert numbers[0] == numbers[1] == numbers[2] != numbers[3]


def test_the_same_group_name_in_two_sources_is_no_pair() -> None:
    one, two = texts(2)
    numbers = group_rows([row("a", one, group="1", source="x"), row("b", two, group="1", source="y")])
    assert numbers[0] != numbers[1]


@settings(max_examples=10, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rng: random.Random) -> None:
    originals = rows(60)
    shuffled = [*originals, *copies(originals[:5])]
    wanted = parts(split(shuffled, SAMPLE, seed=3))
    rng.shuffle(shuffled)
    assert parts(split(shuffled, SAMPLE, seed=3)) == wanted


def test_new_rows_move_no_old_ones() -> None:
    old = rows(200)
    before = parts(split(old, SAMPLE, seed=3))
    new = [row(f"new{number}", text) for number, text in enumerate(texts(200, seed=99))]
    after = parts(split([*new, *old], SAMPLE, seed=3))
    assert {id_: after[id_] for id_ in before} == before


def test_another_seed_gives_another_split() -> None:
    originals = rows(100)
    assert parts(split(originals, SAMPLE, seed=1)) != parts(split(originals, SAMPLE, seed=2))


def train_on(chosen: Sequence[Row], sample: Sample) -> list[Row]:
    return choose([(number, each) for number, each in enumerate(chosen)], sample, seed=5)


def test_each_source_and_side_trains_up_to_its_quota() -> None:
    many = [row(f"{s}{n}", "t", source=s, advert=n % 2 == 0) for s in ("a", "b/x", "b/y") for n in range(40)]
    sample = Sample(per_source=10, adverts_per_source=15, quotas={"b/*": 3})
    counts: dict[tuple[str, bool], int] = {}
    for each in train_on(many, sample):
        key = (each.source, each.is_advert)
        counts[key] = counts.get(key, 0) + 1
    assert counts == {
        ("a", False): 10,
        ("a", True): 15,
        ("b/x", False): 3,
        ("b/x", True): 3,
        ("b/y", False): 3,
        ("b/y", True): 3,
    }


def test_of_near_copies_one_a_side_trains() -> None:
    numbered = [(1, row("a", "t")), (1, row("b", "t")), (1, row("c", "t", advert=True)), (2, row("d", "u"))]
    chosen = choose(numbered, SAMPLE, seed=0)
    assert {each.is_advert for each in chosen} == {True, False}
    assert len(chosen) == 3


def test_authored_rows_are_all_kept_even_when_alike() -> None:
    alike = [
        (1, row("a", "t", group="p")),
        (1, row("b", "t", group="p")),
        (1, Row("c", "t", NOT_ADVERT, "s", spans=())),
    ]
    assert len(choose(alike, SAMPLE, seed=0)) == 3


def test_the_ordinary_rows_most_like_adverts_train_beyond_the_quota() -> None:
    offers = [row(f"a{n}", f"{text} crystal grams", advert=True) for n, text in enumerate(texts(20))]
    plain = [row(f"o{n}", text, source="stream") for n, text in enumerate(texts(40, seed=1))]
    tempting = [row(f"t{n}", f"{text} crystal grams", source="stream") for n, text in enumerate(texts(3, seed=2))]
    odd = row("odd", "crystal grams crystal grams", source="forum")  # no ordinary source: perhaps labelled wrongly
    numbered = list(enumerate([*offers, *plain[:20], *tempting, odd, *plain[20:]]))
    numbered += [(number, replace(each, id=f"{each.id}-copy")) for number, each in numbered if each in tempting]
    chosen = [*offers, *plain[:20]]
    sample = Sample(ordinary=("stream",), hard=3)
    spare = spared(numbered, chosen, sample, seed=0)
    assert sorted(each.id for each in spare) == sorted([*(f"o{n}" for n in range(20, 40)), "t0", "t1", "t2"])
    assert spare == spared(numbered[::-1], chosen, sample, seed=0)
    assert sorted(each.id for each in hardest(spare, chosen, sample)) == ["t0", "t1", "t2"]
    assert hardest(spare, chosen, replace(sample, hard=0)) == []


def test_a_source_can_keep_its_own_share_from_training() -> None:
    rows = [row(f"r{n}", text, source="a" if n % 2 else "b") for n, text in enumerate(texts(400))]
    parts = parts_of(rows, Sample(kept_percent={"a": 0, "b": 25}, test_share=0.1, calibrate_share=0.1), seed=1)
    kept = {name: Counter(each.source for _, each in part) for name, part in parts.items()}
    assert kept["train"]["a"] == 200
    assert not kept["test"]["a"]
    assert all(30 < kept[name]["b"] < 70 for name in ("calibrate", "test"))


@pytest.mark.parametrize(("source", "number"), [("a/b", 1), ("a/c", 2), ("z", 9)])
def test_the_first_pattern_that_fits_gives_the_number(source: str, number: int) -> None:
    assert lookup(source, {"a/b": 1, "a/*": 2}, 9) == number


def test_no_rows_split_into_nothing() -> None:
    assert split([], SAMPLE, seed=1) == Splits([], [], [])
