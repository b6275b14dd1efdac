from __future__ import annotations

import pytest

from models.reasons import CLASS_WORDS, EVIDENCE_WORDS, join, reasons
from models.verdict import (
    ADVERT_INTENTS,
    INTENTS,
    TERM_KINDS,
    Decision,
    Intent,
    Kind,
    NpsClass,
    Span,
    Status,
    Substance,
)

MMC = Substance("2-MMC", NpsClass.CATHINONES, Status.CONFIRMED)
FLUB = Substance("flubromazolam", NpsClass.BENZODIAZEPINES, Status.CONFIRMED)
PRICE = Span(0, 3, Kind.PRICE, "€20")
CONTACT = Span(4, 9, Kind.CONTACT, "dm me")
DROP = Span(10, 14, Kind.SHIPPING, "drop")
SLANG = Span(15, 20, Kind.SLANG, "zaza's", source="model")
HIDDEN = Span(21, 26, Kind.SUBSTANCE, "m3ph", obfuscated=True)


def sure(intent: Intent, probability: float = 0.9) -> dict[Intent, float]:
    rest = (1 - probability) / (len(INTENTS) - 1)
    return {each: probability if each == intent else rest for each in INTENTS}


@pytest.mark.parametrize(
    ("decision", "intent", "spans", "substances", "said"),
    [
        (Decision.REVIEW, Intent.SELL, [PRICE, CONTACT], [MMC], "offers 2-MMC (cathinone) with a price and a contact"),
        (
            Decision.REVIEW,
            Intent.PROMOTE,
            [CONTACT],
            [MMC, FLUB],
            "points to a seller of 2-MMC (cathinone) and flubromazolam (designer benzodiazepine) with a contact",
        ),
        (
            Decision.ACT,
            Intent.SELL,
            [DROP, CONTACT, PRICE],  # said in the order of the words, not of the text
            [MMC],
            "offers 2-MMC (cathinone) with a price, a contact and delivery or a drop",
        ),
        (Decision.REVIEW, Intent.SELL, [SLANG, PRICE], [], "offers “zaza's” with a price"),
        (Decision.REVIEW, Intent.SELL, [SLANG, SLANG], [], "offers “zaza's”"),
        (
            Decision.REVIEW,
            Intent.SELL,
            [],
            [],
            "offers something that the wording as a whole gives away as drugs",
        ),
        (Decision.ALLOW, Intent.SEEK, [], [], "reads as someone who wants to buy"),
        (
            Decision.ALLOW,
            Intent.HARM_REDUCTION,
            [],
            [MMC],
            "reads as harm reduction or recovery, naming 2-MMC (cathinone)",
        ),
        (Decision.ALLOW, Intent.NEWS_SCIENCE, [SLANG], [], "reads as news, science, medicine or law, naming “zaza's”"),
        (Decision.ALLOW, Intent.USE_TALK, [], [], "reads as talk of use"),
        (Decision.ALLOW, Intent.OTHER, [PRICE, CONTACT], [], "reads as something else than drugs"),
        # allowed only by a high threshold or a carve-out: the reason still says what it is
        (Decision.ALLOW, Intent.SELL, [PRICE], [MMC], "offers 2-MMC (cathinone) with a price"),
    ],
)
def test_a_moderator_reads_one_plain_sentence(
    decision: Decision, intent: Intent, spans: list[Span], substances: list[Substance], said: str
) -> None:
    assert reasons(decision, sure(intent), spans, substances) == [said]


def test_a_recruiter_is_said_to_recruit() -> None:
    assert reasons(Decision.REVIEW, sure(Intent.RECRUIT), [], [MMC])[0].startswith("recruits people to carry")


def test_a_flag_at_a_low_probability_is_not_explained_away() -> None:
    assert reasons(Decision.REVIEW, sure(Intent.OTHER, 0.97), [PRICE], [MMC])[0].startswith(
        ("offers", "recruits", "points")
    )


def test_a_disguise_is_quoted_as_it_was_written() -> None:
    assert reasons(Decision.REVIEW, sure(Intent.SELL), [HIDDEN], [MMC])[1] == "disguised spelling: “m3ph”"


def test_past_three_names_the_rest_is_counted() -> None:
    five = [Substance(name, NpsClass.OTHER, Status.CONFIRMED) for name in "abcde"]
    said = reasons(Decision.REVIEW, sure(Intent.SELL), [], five)[0]
    assert said.endswith("c (other psychoactive substance) and 2 more")


@pytest.mark.parametrize(
    ("words", "joined"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_lists_are_joined_as_a_sentence_does(words: list[str], joined: str) -> None:
    assert join(words) == joined


def test_there_is_a_reason_for_every_decision_and_intent() -> None:
    for decision in Decision:
        for intent in INTENTS:
            assert all(reasons(decision, sure(intent), [], [])), (decision, intent)


def test_every_class_and_every_signal_has_words() -> None:
    assert set(CLASS_WORDS) == set(NpsClass)
    assert set(EVIDENCE_WORDS) == set(Kind) - TERM_KINDS
    assert {Intent.SELL, Intent.PROMOTE, Intent.RECRUIT} == ADVERT_INTENTS
