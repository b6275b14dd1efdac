from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.policy import Bands, CarveOut, Policy, advert_probability, load_policy, save_policy, top_advert
from models.verdict import ADVERT_INTENTS, INTENTS, Decision, Intent, NpsClass, Status, Substance

WEED = Substance("cannabis", NpsClass.CONTROLLED, Status.CONFIRMED)
KRATOM = Substance("kratom", NpsClass.PLANTS_EXTRACTS, Status.CONFIRMED)
MMC = Substance("2-MMC", NpsClass.CATHINONES, Status.CONFIRMED)
REVIEW = {intent: Bands(review=0.5, act=0.9) for intent in ADVERT_INTENTS}


def intents(**given: float) -> dict[Intent, float]:
    """The given probabilities; the rest of the mass is `other`."""
    found = {intent: given.get(intent.value, 0.0) for intent in INTENTS}
    found[Intent.OTHER] += 1 - sum(found.values())
    return found


def policy(**options: Any) -> Policy:
    return replace(Policy("test", 4, prevalence=0.003, bands=REVIEW), **options)


@pytest.mark.parametrize(
    ("bands", "probability", "wanted"),
    [
        (Bands(review=0.5), 0.4999, Decision.ALLOW),
        (Bands(review=0.5), 0.5, Decision.REVIEW),
        (Bands(review=0.5), 1.0, Decision.REVIEW),  # no act band: never
        (Bands(review=0.5, act=0.9), 0.8999, Decision.REVIEW),
        (Bands(review=0.5, act=0.9), 0.9, Decision.ACT),
        (Bands(review=None, act=0.9), 0.8, Decision.ALLOW),
        (Bands(review=None), 1.0, Decision.ALLOW),
        (Bands(review=0.5, act=0.5), 0.5, Decision.ACT),
    ],
)
def test_a_probability_falls_in_the_band_that_it_reaches(bands: Bands, probability: float, wanted: Decision) -> None:
    assert bands.decide(probability) == wanted


def test_adverts_of_several_intents_add_up_and_the_likeliest_one_chooses_the_bands() -> None:
    bands = REVIEW | {Intent.RECRUIT: Bands(review=0.8)}
    split = intents(sell=0.2, recruit=0.25, promote=0.15)
    assert advert_probability(split) == pytest.approx(0.6)
    assert top_advert(split) == Intent.RECRUIT
    assert policy(bands=bands).decide(split, [], None) == (Decision.ALLOW, [])
    assert policy(bands=bands).decide(intents(sell=0.25, recruit=0.2, promote=0.15), [], None)[0] == Decision.REVIEW


@pytest.mark.parametrize(
    ("carve_out", "country", "substances", "covered"),
    [
        ({"nps_classes": [NpsClass.PLANTS_EXTRACTS]}, "NL", [KRATOM], True),
        ({"nps_classes": [NpsClass.PLANTS_EXTRACTS]}, "nl", [KRATOM], True),
        ({"nps_classes": [NpsClass.PLANTS_EXTRACTS]}, "DE", [KRATOM], False),
        ({"nps_classes": [NpsClass.PLANTS_EXTRACTS]}, None, [KRATOM], False),
        ({"substances": ["cannabis"]}, "NL", [WEED], True),
        ({"substances": ["cannabis"]}, "NL", [WEED, MMC], False),  # one lawful name does not carry another
        ({"substances": ["cannabis"], "nps_classes": [NpsClass.PLANTS_EXTRACTS]}, "NL", [WEED, KRATOM], True),
        ({"substances": ["cannabis"]}, "NL", [], False),  # what is named by nothing is not known to be lawful
    ],
)
def test_a_carve_out_holds_in_its_country_when_all_that_is_named_is_covered(
    carve_out: dict[str, list[Any]], country: str | None, substances: list[Substance], covered: bool
) -> None:
    sets: dict[str, Any] = {name: frozenset(values) for name, values in carve_out.items()}
    bound = policy(carve_outs=[CarveOut(countries=frozenset({"NL"}), why="licensed shops", **sets)])
    decision, said = bound.decide(intents(sell=0.7), substances, country)
    assert decision == (Decision.ALLOW if covered else Decision.REVIEW)
    assert said == ([f"the policy makes it 'allow' in {country}: licensed shops"] if covered else [])


def test_a_carve_out_caps_and_never_raises() -> None:
    cap = CarveOut(frozenset({"CZ"}), substances=frozenset({"kratom"}), at_most=Decision.REVIEW)
    bound = policy(carve_outs=[cap])
    assert bound.decide(intents(sell=0.95), [KRATOM], "CZ")[0] == Decision.REVIEW
    assert bound.decide(intents(sell=0.1), [KRATOM], "CZ") == (Decision.ALLOW, [])


def test_a_policy_comes_back_from_its_file_as_it_went(tmp_path: Path) -> None:
    carve_out = CarveOut(
        frozenset({"NL", "CZ"}), frozenset({NpsClass.CATHINONES}), frozenset({"kratom"}), Decision.REVIEW, "law of 2025"
    )
    saved = policy(carve_outs=[carve_out])
    save_policy(saved, tmp_path / "policy.json")
    loaded = load_policy(tmp_path / "policy.json")
    assert (loaded.label, loaded.prevalence, loaded.bands) == ("test@4", 0.003, REVIEW)
    assert list(loaded.carve_outs) == [carve_out]


GOOD: dict[str, Any] = {
    "name": "p",
    "version": 1,
    "prevalence": 0.003,
    "bands": {intent.value: {"review": 0.5, "act": None} for intent in ADVERT_INTENTS},
}
THREE = "promote, recruit, sell"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"prevalence": 0}, "policy p: prevalence is 0, wanted a share between 0 and 1"),
        ({"prevalence": 1.0}, "policy p: prevalence is 1.0, wanted a share between 0 and 1"),
        ({"bands": {"sell": {"review": 0.5}}}, f"found bands for sell, wanted exactly {THREE}"),
        ({"bands": GOOD["bands"] | {"seek": {"review": 0.5}}}, f"promote, recruit, seek, sell, wanted exactly {THREE}"),
        ({"bands": {"sale": {"review": 0.5}}}, "'sale' is not a valid Intent"),
        ({"bands": {"sell": {"review": 1.5}}}, r"review is 1.5, wanted a probability in \(0, 1\] or null"),
        ({"bands": {"sell": {"review": 0.9, "act": 0.5}}}, "act 0.5 is below review 0.9, wanted it at or above"),
        ({"colour": "red"}, "unexpected keyword argument 'colour'"),
        ({"carve_outs": [{"countries": ["NL"], "nps_classes": ["herbs"]}]}, "'herbs' is not a valid NpsClass"),
        ({"carve_outs": [{"nps_classes": []}]}, "'countries'"),
    ],
)
def test_a_policy_file_that_makes_no_sense_is_refused_by_name(
    tmp_path: Path, change: dict[str, Any], sentence: str
) -> None:
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(GOOD | change), encoding="utf-8")
    with pytest.raises(ValueError, match=sentence) as refused:
        load_policy(path)
    assert str(refused.value).startswith(f"{path}: ")


@pytest.mark.parametrize("text", ["not json", "[]", "{}", '"default"'])
def test_a_file_that_is_no_policy_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"p\.json: "):
        load_policy(tmp_path / "p.json")
