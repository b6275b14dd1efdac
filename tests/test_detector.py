from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.detector import Detector
from models.policy import Bands, CarveOut, Policy
from models.verdict import ADVERT_INTENTS, INTENTS, Decision, Intent, NpsClass, Post, Substance, Verdict

ADVERT = "fresh batch landed clean gear ready 2-MMC dm for prices crypto only"
CALM = "tomatoes grow well the library closes early coffee afterwards"
CHINESE = "\u4eca\u5929\u5929\u6c14\u5f88\u597d\uff0c\u6211\u4eec\u53bb\u516c\u56ed\u6563\u6b65"


def judge(detector: Detector, text: str, **fields: str) -> Verdict:
    return detector([Post("a", text, **fields)])[0]


def policy(**options: Any) -> Policy:
    bands = {intent: Bands(review=0.5, act=0.9) for intent in ADVERT_INTENTS}
    return replace(Policy("strict", 3, prevalence=0.5, bands=bands), **options)


def test_an_advert_is_flagged_with_its_evidence_and_its_versions(tiny_detector: Detector) -> None:
    verdict = judge(tiny_detector, ADVERT)
    assert verdict.decision == Decision.REVIEW
    assert verdict.intent == Intent.SELL
    assert [span.text for span in verdict.spans] == ["2-MMC", "dm for prices", "crypto"]
    assert [each.name for each in verdict.substances] == ["2-MMC"]
    assert verdict.reasons == ["offers 2-MMC (cathinone) with a contact and a way to pay"]
    assert (verdict.release, verdict.policy) == ("2026.1.1", "default@1")
    assert verdict.lexicon == tiny_detector.lexicon.version != ""


def test_an_innocent_post_is_allowed(tiny_detector: Detector) -> None:
    verdict = judge(tiny_detector, CALM)
    assert (verdict.decision, verdict.intent, verdict.warnings) == (Decision.ALLOW, Intent.OTHER, [])


def test_verdicts_stand_in_the_order_of_the_posts(tiny_detector: Detector) -> None:
    posts = [Post(str(number), (ADVERT, CALM, CALM)[number % 3]) for number in range(30)]
    verdicts = tiny_detector(posts)
    assert [verdict.id for verdict in verdicts] == [post.id for post in posts]
    flagged = {verdict.id for verdict in verdicts if verdict.decision != Decision.ALLOW}
    assert flagged == {post.id for post in posts if post.text == ADVERT}
    assert tiny_detector([]) == []


@pytest.mark.parametrize(
    ("text", "surface"),
    [
        ("\U0001f600\U0001f600 2-MMC", "2-MMC"),  # code points, not UTF-16 units
        ("get 2-M\u200bMC today", "2-M\u200bMC"),  # a zero-width space inside
        ("get m\u0435phedrone today", "m\u0435phedrone"),  # a Cyrillic letter
        ("<b>ketamine</b>", "ketamine"),
    ],
)
def test_spans_point_into_the_original(tiny_detector: Detector, text: str, surface: str) -> None:
    verdict = judge(tiny_detector, text)
    span = next(span for span in verdict.spans if span.term)
    assert span.text == surface == text[span.start : span.end]
    assert span.obfuscated is (surface not in ("2-MMC", "ketamine"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.one_of(st.text(), st.sampled_from([ADVERT, "\u200b2-MMC\u200d 5g", "</s>", "zorple\ufe0f"])), max_size=4
    )
)
def test_any_text_gives_a_whole_verdict(tiny_detector: Detector, texts: list[str]) -> None:
    text = " ".join(texts)
    verdict = judge(tiny_detector, text)
    assert sum(verdict.intents.values()) == pytest.approx(1)
    assert verdict.advert_probability == pytest.approx(sum(verdict.intents[intent] for intent in ADVERT_INTENTS))
    assert set(verdict.intents) == set(INTENTS)
    assert verdict.reasons
    ends = [0, *(span.end for span in verdict.spans)]
    for span, before in zip(verdict.spans, ends, strict=False):
        assert before <= span.start < span.end <= len(text)
        assert span.text == text[span.start : span.end]


def test_an_advert_at_the_end_of_a_long_post_is_flagged_where_it_stands(tiny_detector: Detector) -> None:
    # five times: enough to fill one window, wherever the windows are cut
    text = " ".join([*["museum rain bread football train choir"] * 30, *[ADVERT] * 5])
    verdict = judge(tiny_detector, text)
    assert verdict.decision == Decision.REVIEW
    assert any(span.term == "2-MMC" and span.start == text.index("2-MMC") for span in verdict.spans)
    assert verdict.warnings[-1].startswith("long post: read in ")


@pytest.mark.parametrize(
    ("post", "said"),
    [
        (Post("a", CALM, lang="zh"), "language 'zh' is outside the scope"),
        (Post("a", CHINESE), "outside the scope"),
        (Post("a", CHINESE, lang="en"), "script outside the scope"),
        (Post("a", "\u2603 \u2603 \u2603 rain"), "75% of the text is outside the vocabulary"),
    ],
)
def test_a_post_that_is_not_understood_carries_a_warning(tiny_detector: Detector, post: Post, said: str) -> None:
    assert any(said in warning for warning in tiny_detector([post])[0].warnings)


@pytest.mark.parametrize(
    "post", [Post("a", CALM, lang="en"), Post("a", CALM, lang="pt-BR"), Post("a", "rain"), Post("a", "")]
)
def test_a_post_in_scope_carries_none(tiny_detector: Detector, post: Post) -> None:
    assert tiny_detector([post])[0].warnings == []


def test_two_policies_share_one_release_and_judge_apart(tiny_detector: Detector) -> None:
    nothing = {intent: Bands(review=None) for intent in ADVERT_INTENTS}
    strict, lax = tiny_detector.under(policy()), tiny_detector.under(policy(name="lax", bands=nothing))
    one, other = judge(strict, ADVERT), judge(lax, ADVERT)
    assert (one.decision, one.policy) == (Decision.ACT, "strict@3")
    assert (other.decision, other.policy) == (Decision.ALLOW, "lax@3")
    assert one.release == other.release
    assert strict.scorer is lax.scorer is tiny_detector.scorer
    assert judge(tiny_detector, ADVERT).policy == "default@1"  # the first is as it was


def test_a_probability_is_stated_for_the_prevalence_of_the_policy(tiny_detector: Detector) -> None:
    rare, common = (tiny_detector.under(policy(prevalence=share)) for share in (0.0001, 0.5))
    assert judge(rare, ADVERT).advert_probability < judge(common, ADVERT).advert_probability


def test_a_carve_out_is_said_beside_the_evidence(tiny_detector: Detector) -> None:
    carve_out = CarveOut(frozenset({"NL"}), frozenset({NpsClass.CATHINONES}), why="a trial")
    lawful = tiny_detector.under(policy(carve_outs=[carve_out]))
    verdict = judge(lawful, ADVERT, country="NL")
    assert verdict.decision == Decision.ALLOW
    assert verdict.reasons[0].startswith("offers 2-MMC")
    assert verdict.reasons[-1] == "the policy makes it 'allow' in NL: a trial"
    assert judge(lawful, ADVERT, country="DE").decision == Decision.ACT


def test_what_the_sender_says_beside_the_text_does_not_move_the_probability(tiny_detector: Detector) -> None:
    plain = judge(tiny_detector, ADVERT)
    dressed = judge(
        tiny_detector, ADVERT, author="x", platform="sell", country="NL", created_at="2026-01-01", lang="de"
    )
    assert dressed.intents == plain.intents
    assert all(isinstance(each, Substance) for each in dressed.substances)
