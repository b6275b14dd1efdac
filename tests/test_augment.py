from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.terms import words
from models.verdict import Intent
from training.augment import MASK, cased_like, hide_terms, invent_word, plain_words
from training.labels import Labelled

SELL = frozenset({Intent.SELL})


def labelled(text: str, named: set[str]) -> Labelled:
    ranges = words(text)
    return Labelled(
        text,
        SELL,
        named=tuple(each for each in ranges if text[slice(*each)] in named),
        plain=tuple(each for each in ranges if text[slice(*each)] not in named),
    )


ROW = labelled("got Bars and 2-MMC, bars 5g: BARS!", {"Bars", "2-MMC", "bars", "BARS"})


def surfaces(row: Labelled, ranges: tuple[tuple[int, int], ...]) -> list[str]:
    return [row.text[start:end] for start, end in ranges]


def hidden(seed: int) -> Labelled:
    return hide_terms(ROW, random.Random(seed), share=1.0)


@pytest.mark.parametrize("seed", range(30))
def test_only_named_words_change_and_labels_move_along(seed: int) -> None:
    row = hidden(seed)
    assert surfaces(row, row.plain) == ["got", "and", "5g"]
    assert not {"Bars", "2-MMC", "bars", "BARS"} & set(surfaces(row, row.named))
    assert len(row.named) == 4
    assert re.sub(r"[\w<>-]+", "x", row.text) == re.sub(r"[\w<>-]+", "x", ROW.text)  # what stands between stays
    assert row.intents == SELL


@pytest.mark.parametrize("innocent", [(), ("kitten",)])
def test_hidden_texts_are_masked_renamed_or_swapped_as_often(innocent: tuple[str, ...]) -> None:
    found = [hide_terms(ROW, random.Random(seed), share=1.0, words=innocent) for seed in range(600)]
    names = [set(surfaces(row, row.named)) for row in found]
    masked = sum(each == {MASK} for each in names)
    swapped = sum({name.casefold() for name in each} == {"kitten"} for each in names)
    ways = 2 + len(innocent)
    assert 480 / ways < masked < 720 / ways
    assert (480 / ways < swapped < 720 / ways) if innocent else not swapped
    assert all(each == {MASK} or not any(MASK in name for name in each) for each in names)


def test_innocent_words_come_from_innocent_posts_alone_language_by_language() -> None:
    rows = [
        replace(labelled("the kitten sat", set()), intents=frozenset({Intent.OTHER}), lang="en"),
        replace(labelled("das Kätzchen", set()), intents=frozenset({Intent.OTHER}), lang="de"),
        replace(labelled("crystal grams", set()), lang="en"),
    ]
    assert plain_words(rows) == {"en": ["kitten"], "de": ["Kätzchen"]}


def test_one_name_is_renamed_alike_throughout_a_text() -> None:
    row = next(row for row in map(hidden, range(50)) if MASK not in row.text)
    first, chemical, second, third = surfaces(row, row.named)
    assert first.casefold() == second == third.casefold()
    assert (first, third) == (second.capitalize(), second.upper())
    assert first != chemical


@pytest.mark.parametrize(("share", "changed"), [(0.0, 0), (1.0, 200)])
def test_the_share_says_how_many_texts_are_hidden(share: float, changed: int) -> None:
    found = [hide_terms(ROW, random.Random(seed), share=share) for seed in range(200)]
    assert sum(row != ROW for row in found) == changed


def test_a_share_in_between_hides_about_as_many() -> None:
    found = [hide_terms(ROW, random.Random(seed), share=0.5) for seed in range(400)]
    assert 150 < sum(row != ROW for row in found) < 250


def test_a_text_that_names_nothing_stays() -> None:
    row = labelled("rain again", set())
    assert hide_terms(row, random.Random(0), share=1.0) is row


def test_the_same_seed_hides_alike() -> None:
    assert hidden(7) == hidden(7)
    assert len({hidden(seed).text for seed in range(30)}) > 10


@given(st.lists(st.sampled_from(["rain", "bars", "2-MMC", "\U0001f344", ",", "\n"]), max_size=12), st.integers(0, 99))
def test_offsets_hold_for_any_text(parts: list[str], seed: int) -> None:
    before = labelled(" ".join(parts), {"bars", "2-MMC", "\U0001f344"})
    after = hide_terms(before, random.Random(seed), share=1.0)
    assert surfaces(after, after.plain) == surfaces(before, before.plain)
    ranges = sorted((*after.named, *after.plain))
    assert len(after.named) == len(before.named)
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(ranges))
    assert all(0 <= start < end <= len(after.text) for start, end in ranges)


@pytest.mark.parametrize(
    ("surface", "shape"), [("bars", str.islower), ("BARS", str.isupper), ("Bars", str.istitle), ("2-MMC", str.isupper)]
)
def test_an_invented_word_takes_the_case_of_the_one_it_stands_for(surface: str, shape: Callable[[str], bool]) -> None:
    for seed in range(20):
        word = cased_like(surface, invent_word(random.Random(seed)))
        assert shape(word)
        assert word.isalpha()
