from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from models.verdict import INTENTS, Decision, Intent, Kind, NpsClass, Post, Span, Status, Substance, Verdict
from models.wire import verdict_to_json
from serving.wire import ClassifyRequest, PostIn

VERDICT = Verdict(
    id="a1",
    decision=Decision.REVIEW,
    advert_probability=0.93412,
    intents={intent: 0.91 if intent is Intent.SELL else 0.0128571 for intent in INTENTS},
    spans=[
        Span(0, 5, Kind.SUBSTANCE, "2-MMC", False, "2-MMC", NpsClass.CATHINONES, Status.CONFIRMED, "lexicon"),
        Span(9, 12, Kind.PRICE, "25 "),
    ],
    substances=[Substance("2-MMC", NpsClass.CATHINONES, Status.CONFIRMED)],
    reasons=["offers 2-MMC (cathinone) with a price"],
    lang="en",
    release="2026.12.1",
    lexicon="2026-12-01.3",
    policy="default@4",
)


def test_a_verdict_has_the_agreed_form() -> None:
    assert json.loads(json.dumps(verdict_to_json(VERDICT))) == {
        "id": "a1",
        "decision": "review",
        "advert_probability": 0.9341,
        "intents": {
            "sell": 0.91,
            "recruit": 0.0129,
            "promote": 0.0129,
            "seek": 0.0129,
            "harm_reduction": 0.0129,
            "news_science": 0.0129,
            "use_talk": 0.0129,
            "other": 0.0129,
        },
        "spans": [
            {
                "start": 0,
                "end": 5,
                "kind": "substance",
                "text": "2-MMC",
                "obfuscated": False,
                "term": "2-MMC",
                "nps_class": "cathinones",
                "status": "confirmed",
                "source": "lexicon",
            },
            {
                "start": 9,
                "end": 12,
                "kind": "price",
                "text": "25 ",
                "obfuscated": False,
                "term": None,
                "nps_class": None,
                "status": None,
                "source": "rule",
            },
        ],
        "substances": [{"name": "2-MMC", "nps_class": "cathinones", "status": "confirmed"}],
        "reasons": ["offers 2-MMC (cathinone) with a price"],
        "lang": "en",
        "warnings": [],
        "release": "2026.12.1",
        "lexicon": "2026-12-01.3",
        "policy": "default@4",
    }


def test_the_wire_has_every_field_of_a_verdict_in_its_order() -> None:
    assert list(verdict_to_json(VERDICT)) == [field.name for field in fields(Verdict)]


def test_the_wire_reads_back_as_the_same_verdict_but_for_the_digits() -> None:
    wire = verdict_to_json(VERDICT)
    assert verdict_to_json(TypeAdapter(Verdict).validate_json(json.dumps(wire))) == wire


def test_numpy_numbers_reach_json() -> None:
    probability: Any = np.float32(0.125)
    verdict = Verdict("a", Decision.ALLOW, probability, dict.fromkeys(INTENTS, probability))
    assert json.loads(json.dumps(verdict_to_json(verdict)))["intents"]["sell"] == 0.125


def test_a_post_on_the_wire_has_the_fields_of_a_post() -> None:
    assert list(PostIn.model_fields) == [field.name for field in fields(Post)]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("lang", "pt-BR"),
        ("country", "NL"),
        ("created_at", "2026-11-02"),
        ("created_at", "2026-11-02T10:00:00Z"),
        ("created_at", "2026-11-02 10:00:00+01:00"),
        ("author", None),
    ],
)
def test_a_request_becomes_posts(field: str, value: str | None) -> None:
    request = ClassifyRequest.model_validate({"posts": [{"id": "1", "text": " tabs \U0001f600", field: value}]})
    post = request.to_posts()[0]
    assert (post.text, getattr(post, field), request.policy) == (" tabs \U0001f600", value, "default")
