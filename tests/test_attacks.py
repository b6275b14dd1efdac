from __future__ import annotations

import random
from collections.abc import Sequence
from difflib import SequenceMatcher

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.normalise import normalise
from models.verdict import LANGUAGES, Kind, Span
from training.evaluation.attack_targets import words_to_touch
from training.evaluation.attacks import ATTACKS, REHEARSABLE, STRENGTHS, Attack, attack_text, attack_texts
from training.evaluation.attacks_letters import KEYBOARDS, NEIGHBOURS
from training.evaluation.attacks_words import EMOJI_OF, HARMLESS, language
from training.evaluation.innocent import BURYING, HASHTAGS, OWN_HASHTAGS, PADDING

BY_NAME = {attack.name: attack for attack in ATTACKS}
LETTERS = ("leet", "homoglyphs", "zero_width", "spacing", "punctuation", "vowel_drop", "keyboard_typos", "case")
LENGTHENING = ("innocent_padding", "hashtag_stuffing", "paragraph_burying")

ENGLISH = "Fresh ketamine landed this morning, 10g for £200, delivery all over town, write to @blue_heron"
GERMAN = "Frisches Ketamin eingetroffen, 10g für 200 €, Versand im ganzen Land, schreib an @blauer_reiher"
RUSSIAN = "Свежий кетамин уже в городе, 10г за 9000, доставка по всему району, пиши @siniy_kit"
ODD = (
    "\U0001f434\U0001f434 \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea",
    "ketamine",
    "K",
    "e\u0301te\u0301 a\u0323\u0302",
    "\u05de\u05db\u05d9\u05e8\u05d4 \u05d4\u05d9\u05d5\u05dd \u200f!",
    "\u4eca\u5929\u5929\u6c14\u5f88\u597d",
    "...!!! 250",
    "@blue_heron",
    "https://shop.example/a",
    "ﬁne ẞ İstanbul ŉ",
)
EMPTY = ("", " ", "\n\t", "\u00a0")


def spans_of(text: str, *marked: tuple[str, Kind]) -> list[Span]:
    return [Span(text.index(word), text.index(word) + len(word), kind, word) for word, kind in marked]


SPANS = {
    ENGLISH: spans_of(ENGLISH, ("ketamine", Kind.SUBSTANCE), ("10g", Kind.QUANTITY), ("delivery", Kind.SHIPPING)),
    GERMAN: spans_of(GERMAN, ("Ketamin", Kind.SUBSTANCE), ("Versand", Kind.SHIPPING)),
    RUSSIAN: spans_of(RUSSIAN, ("кетамин", Kind.SLANG), ("доставка", Kind.SHIPPING)),
}


def attacked(name: str, text: str, strength: int, *, spans: Sequence[Span] | None = None, key: str = "p1") -> str:
    return attack_text(BY_NAME[name], text, SPANS.get(text, ()) if spans is None else spans, strength, key=key, seed=7)


def changed(before: str, after: str) -> int:
    """Characters that are not common to both."""
    same = sum(block.size for block in SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks())
    return len(before) + len(after) - 2 * same


@pytest.mark.parametrize("text", [*SPANS, *ODD])
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_gives_some_text_and_always_the_same(attack: Attack, text: str) -> None:
    for strength in STRENGTHS:
        after = attacked(attack.name, text, strength)
        assert after.strip()
        assert after == attacked(attack.name, text, strength)


@pytest.mark.parametrize("text", EMPTY)
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_a_text_without_content_stays_as_it_is(attack: Attack, text: str) -> None:
    assert {attacked(attack.name, text, strength) for strength in STRENGTHS} == {text}


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=60), st.sampled_from(STRENGTHS), st.randoms(use_true_random=False))
def test_no_text_breaks_an_attack(text: str, strength: int, rng: random.Random) -> None:
    start = rng.randrange(len(text))
    spans = [Span(start, rng.randrange(start, len(text)) + 1, rng.choice(list(Kind)), "")]
    for attack in ATTACKS:
        after = attack_text(attack, text, spans, strength, key="a", seed=rng.randrange(9))
        assert after.strip() or not text.strip()


@pytest.mark.parametrize("text", SPANS)
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_more_strength_changes_more(attack: Attack, text: str) -> None:
    # over some keys: one key may draw a style that changes little
    totals = [
        sum(changed(text, attacked(attack.name, text, strength, key=str(key))) for key in range(8))
        for strength in STRENGTHS
    ]
    assert 0 < totals[0] <= totals[1] <= totals[2]


@pytest.mark.parametrize("name", LETTERS)
@pytest.mark.parametrize("text", SPANS)
def test_the_first_strength_touches_only_what_names_the_drug(name: str, text: str) -> None:
    term = SPANS[text][0]
    for key in "abcdef":
        after = attacked(name, text, 1, key=key)
        assert after.startswith(text[: term.start])
        assert after.endswith(text[term.end :])


@pytest.mark.parametrize("name", [*LETTERS, "emoji_swap"])
@pytest.mark.parametrize(("text", "whole"), [(ENGLISH, "@blue_heron"), (GERMAN, "@blauer_reiher"), (ENGLISH, "10g")])
def test_addresses_and_measures_stay_at_every_strength(name: str, text: str, whole: str) -> None:
    assert all(whole in attacked(name, text, strength) for strength in STRENGTHS)


@pytest.mark.parametrize(
    "address",
    [
        "@blue_heron",
        "heron@pond.example",
        "https://pond.example/x",
        "pond.example",
        "blue_heron",
        "<URL>",
        "t.me/heron",
    ],
)
def test_an_address_is_known_by_its_form(address: str) -> None:
    text = f"write to {address} today"
    touched = words_to_touch(text, [], 3, random.Random(0))
    assert [text[start:end] for start, end in touched] == ["write", "to", "today"]


def test_strength_says_which_words_are_touched() -> None:
    text = "swap seven tramadol pills by post since my cousin left them in a drawer here at home"
    spans = spans_of(text, ("tramadol", Kind.SUBSTANCE), ("by post", Kind.SHIPPING))
    found = [words_to_touch(text, spans, strength, random.Random(1)) for strength in STRENGTHS]
    assert found[0] == [(11, 19)]
    assert {(11, 19), (26, 28), (29, 33)} < set(found[1]) < set(found[2])
    assert len(found[2]) == len(text.split())


def test_where_nothing_names_a_drug_the_longest_word_is_touched() -> None:
    assert words_to_touch("rain on Saturday", [], 1, random.Random(0)) == [(8, 16)]
    assert words_to_touch("\U0001f434 250", [], 1, random.Random(0)) == []


def test_a_strength_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="leet: found the strength 4, wanted one of"):
        attacked("leet", ENGLISH, 4)


def test_texts_are_attacked_each_by_its_own_key() -> None:
    same = [("a", ENGLISH, SPANS[ENGLISH]), ("b", ENGLISH, SPANS[ENGLISH])]
    one, other = attack_texts(BY_NAME["zero_width"], same, 3, seed=7)
    assert one != other
    assert [one, other] == attack_texts(BY_NAME["zero_width"], same, 3, seed=7)
    assert [one, other] != attack_texts(BY_NAME["zero_width"], same, 3, seed=8)


# --- what each attack does --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "strength", "after"),
    [
        ("spacing", "buy ketamine now", 1, "buy k e t a m i n e now"),
        ("spacing", "buy it, now", 3, "b u y   i t, n o w"),
        ("spacing", "2-MMC", 3, "2 M M C"),
        ("vowel_drop", "buy ketamine now", 3, "by ktmn nw"),
        ("vowel_drop", "кетамин", 3, "ктмн"),
        ("vowel_drop", "io", 3, "io"),
        ("truncation", "one two three four five", 1, "one two three four"),
        ("truncation", "one two three four five", 3, "one two"),
        ("truncation", "one", 3, "one"),
    ],
)
def test_a_plain_attack_writes_this(name: str, text: str, strength: int, after: str) -> None:
    assert attacked(name, text, strength, spans=[]) == after


@pytest.mark.parametrize("name", ["leet", "homoglyphs", "keyboard_typos"])
def test_russian_words_are_changed_too(name: str) -> None:
    assert all(attacked(name, RUSSIAN, strength, key=key) != RUSSIAN for strength in STRENGTHS for key in "abc")


def test_look_alikes_in_a_russian_word_are_latin() -> None:
    found = {attacked("homoglyphs", "кетамин", 3, spans=[], key=str(key)) for key in range(20)}
    assert found == {"keтaмuн"}


@pytest.mark.parametrize(
    ("key", "near"), [("g", "fhtyvb"), ("q", "wa"), ("G", "FHTYVB"), ("а", "впкесм"), ("ю", "бдж")]
)
def test_neighbours_are_those_on_the_keyboard(key: str, near: str) -> None:
    assert set(NEIGHBOURS[key]) == set(near)
    assert set("".join(map("".join, KEYBOARDS))) <= set(NEIGHBOURS)


@pytest.mark.parametrize("text", SPANS)
def test_a_slip_keeps_the_first_letter_and_the_length_within_one(text: str) -> None:
    term = SPANS[text][0]
    for key in range(30):
        word = attacked("keyboard_typos", text, 1, key=str(key)).split()[1]
        assert word[0] == term.text[0]
        assert abs(len(word) - len(term.text)) <= 1
        assert word != term.text


@pytest.mark.parametrize("strength", STRENGTHS)
def test_truncation_keeps_the_name_of_the_drug(strength: int) -> None:
    text = "anyone near the station tonight, message me, I have some left of the ketamine"
    after = attacked("truncation", text, strength, spans=spans_of(text, ("ketamine", Kind.SUBSTANCE)))
    assert after.startswith("anyone near the station")
    assert after.endswith(" … ketamine")
    assert len(after) < len(text)


@pytest.mark.parametrize(
    ("text", "code"), [("got ketamine", "\U0001f434"), ("есть кетамин", "\U0001f434"), ("viel Schnee", "❄️")]
)
def test_a_listed_word_becomes_its_emoji(text: str, code: str) -> None:
    assert attacked("emoji_swap", text, 1, spans=[]) == f"{text.split(maxsplit=1)[0]} {code}"


def test_an_unlisted_word_is_broken_by_an_emoji() -> None:
    after = attacked("emoji_swap", "got zopiclone", 1, spans=[])
    put = [each for each in HARMLESS if each in after]
    assert len(put) == 1
    assert after.replace(put[0], "") == "got zopiclone"


def test_emoji_that_name_a_drug_stay() -> None:
    text = "\U0001f434 here \U0001f389 tonight"
    spans = spans_of(text, ("\U0001f434", Kind.SLANG))
    after = [attacked("emoji_swap", text, 3, spans=spans, key=str(key)) for key in range(10)]
    assert all(each.startswith("\U0001f434 ") for each in after)
    assert any("\U0001f389 tonight" not in each for each in after)


@pytest.mark.parametrize(
    ("name", "added"),
    [("innocent_padding", (1, 3, 8)), ("hashtag_stuffing", (3, 8, 20)), ("paragraph_burying", (2, 5, 12))],
)
@pytest.mark.parametrize("text", SPANS)
def test_what_drowns_a_post_leaves_it_whole(name: str, added: tuple[int, ...], text: str) -> None:
    for strength, number in zip(STRENGTHS, added, strict=True):
        after = attacked(name, text, strength)
        assert text in after
        around = after.replace(text, "")
        assert around.count("#" if name == "hashtag_stuffing" else ".") == number


def test_a_buried_post_stands_in_one_paragraph_between_others() -> None:
    after = attacked("paragraph_burying", "two\nlines", 1)
    assert " two lines " in after
    assert "\n" not in after


@pytest.mark.parametrize("code", LANGUAGES)
def test_innocent_text_is_written_in_the_language_of_the_post(code: str) -> None:
    assert {language(text) for text in (*PADDING[code], *BURYING[code])} == {code}


@pytest.mark.parametrize(
    ("text", "code"), [("", "en"), ("12 \U0001f434", "en"), ("меф есть", "ru"), ("schreib mir", "de")]
)
def test_a_short_text_has_a_language_too(text: str, code: str) -> None:
    assert language(text) == code


# --- what the normaliser promises -------------------------------------------------------------------------------------


@pytest.mark.parametrize("strength", STRENGTHS)
@pytest.mark.parametrize(("name", "text"), [("zero_width", ENGLISH), ("zero_width", RUSSIAN), ("zero_width", GERMAN)])
def test_the_normaliser_takes_out_what_cannot_be_seen(name: str, text: str, strength: int) -> None:
    assert normalise([attacked(name, text, strength)])[0].text == text


@pytest.mark.parametrize(
    ("name", "text", "least"),
    [("homoglyphs", "buy ketamine now", 19), ("leet", "buy ketamine now", 13), ("spacing", "buy ketamine now", 20)],
)
def test_the_normaliser_undoes_most_of_what_hides_a_plain_word(name: str, text: str, least: int) -> None:
    read = normalise([attacked(name, text, 1, spans=[], key=str(key)) for key in range(20)])
    assert sum(each.text == text for each in read) >= least


# --- the library itself -----------------------------------------------------------------------------------------------


def test_attacks_that_are_held_out_are_not_rehearsed() -> None:
    held_out = {attack.name for attack in ATTACKS if attack.held_out}
    assert held_out == {"punctuation", "keyboard_typos", "paragraph_burying"}
    assert {attack.name for attack in REHEARSABLE} == set(BY_NAME) - held_out
    assert len(BY_NAME) == len(ATTACKS)


def test_what_training_pads_with_is_not_what_buries() -> None:
    for code in LANGUAGES:
        assert len(set(PADDING[code])) == 10
        assert len(set(BURYING[code])) == 12
        assert not set(PADDING[code]) & set(BURYING[code])
    assert set(PADDING) == set(BURYING) == set(OWN_HASHTAGS) == set(LANGUAGES)


def test_innocent_text_holds_nothing_of_an_offer() -> None:
    said = " ".join([*(each for pool in (PADDING, BURYING) for own in pool.values() for each in own), *HASHTAGS])
    assert not any(char.isdigit() or char in "@$€£:/" for char in said)
    listed = {
        word for word, code in EMOJI_OF.items() if code in {"\U0001f434", "\U0001f48a", "\U0001f341", "\U0001fa99"}
    }
    assert not listed & set(said.lower().replace(".", " ").replace(",", " ").split())
