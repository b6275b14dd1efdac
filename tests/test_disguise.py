from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.verdict import Intent, Kind, Span
from training.corpus import Row
from training.disguise import LETTERS, LONGEST, bystanders_of, disguise, moved, places
from training.evaluation.attacks import Attack


def post(text: str, *names: str, intent: Intent = Intent.SELL) -> Row:
    spans = tuple(Span(at := text.index(name), at + len(name), Kind.SLANG, name) for name in names)
    return Row("r", text, frozenset({intent}), "s", lang="en", spans=spans)


ROW = post("fresh crystal and bars in, dm me tonight, cash only", "crystal", "bars")
OTHER = post("We walked the whole coast path on Sunday, gorse everywhere", intent=Intent.OTHER)
BESIDE = bystanders_of([ROW, OTHER])


@pytest.mark.parametrize("seed", range(60))
def test_label_and_spans_stay_with_the_post(seed: int) -> None:
    found = disguise(ROW, BESIDE, random.Random(seed))
    assert (found.id, found.intents, found.lang) == (ROW.id, ROW.intents, ROW.lang)
    assert found.spans
    assert all(found.text[span.start : span.end] == span.text and span.text.strip() for span in found.spans)


def test_what_is_put_behind_comes_from_innocent_posts() -> None:
    longer = [disguise(ROW, BESIDE, random.Random(seed)).text for seed in range(80)]
    behind = {text.removeprefix(ROW.text).strip() for text in longer if text.startswith(ROW.text) and text != ROW.text}
    assert any(text == OTHER.text for text in behind)
    assert any(text.startswith("#") for text in behind)
    assert not any("crystal" in text for text in behind)


def test_no_held_out_attack_is_rehearsed() -> None:
    names = {attack.name for attack in LETTERS}
    assert not names & {"punctuation", "keyboard_typos", "paragraph_burying", "innocent_padding", "hashtag_stuffing"}


def test_a_long_post_is_only_padded() -> None:
    row = post(f"crystal {'word ' * LONGEST}", "crystal")
    assert all(disguise(row, BESIDE, random.Random(seed)).text.startswith(row.text.rstrip()) for seed in range(20))


@pytest.mark.parametrize(
    ("after", "wanted"),
    [
        ("got k e t today", "k e t"),
        ("got k3t today", "k3t"),
        ("(got) KET today", "KET"),
        ("got ket", "ket"),
        ("got", None),
    ],
)
def test_a_span_is_found_again(after: str, wanted: str | None) -> None:
    spans = moved((Span(4, 7, Kind.SLANG, "ket"),), "got ket today", after)
    assert [span.text for span in spans] == ([wanted] if wanted else [])
    assert all(span.obfuscated == (span.text != "ket") for span in spans)


@given(st.text(max_size=30), st.text(max_size=30))
def test_places_never_go_back_and_stay_inside(before: str, after: str) -> None:
    for found in places(before, after):
        assert len(found) == len(before) + 1
        assert found == sorted(found)
        assert all(0 <= place <= len(after) for place in found)


def test_attacks_that_nothing_undoes_are_rehearsed_twice_as_often(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: Counter[str] = Counter()
    strengths: Counter[int] = Counter()

    def note(attack: Attack, text: str, spans: object, strength: int, **_: object) -> str:
        seen[attack.name] += 1
        strengths[strength] += attack.name == "vowel_drop"
        return text

    monkeypatch.setattr("training.disguise.attack_text", note)
    rng = random.Random(7)
    for _ in range(4000):
        disguise(ROW, {}, rng)
    assert seen["vowel_drop"] / seen["leet"] == pytest.approx(2, rel=0.25)
    assert seen["emoji_swap"] / seen["case"] == pytest.approx(2, rel=0.25)
    assert strengths[3] / strengths.total() == pytest.approx(0.5, abs=0.06)
