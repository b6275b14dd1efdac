"""The generator composes varied, well-marked posts from fragments, and keeps what is held out where it belongs."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from pathlib import Path

import pytest

from models.lexicon import Lexicon
from models.release import DEFAULT_RELEASE, LEXICON
from models.verdict import ADVERT_INTENTS, INTENTS, LANGUAGES, TERM_KINDS, Kind
from training.generator.fillers import bare, contact_for, disguise, words_of
from training.generator.generate import PARTS, Part, banned_words, generate, joined, lowered
from training.generator.pools import (
    FRAMES,
    PoolError,
    Pools,
    bare_of_tags,
    fault_of,
    fault_of_tags,
    fits,
    is_development,
    load_pools,
    tags_of,
)
from training.generator.scenes import SCENES, Teller
from training.generator.trade import COUNTRIES, FORMS, total, write_price, write_quantity
from training.held_out import HELD_OUT

POSTS = Path(__file__).parent.parent / "data_cards" / "npsight_posts"
NOTHING = re.compile("(?!)")
SMALL = Part("generated", development=False, posts={"en": 240, "ru": 60})


@pytest.fixture(scope="module")
def pools() -> dict[str, Pools]:
    return load_pools()


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return Lexicon.load(DEFAULT_RELEASE / LEXICON)


@pytest.fixture(scope="module")
def rows(pools: dict[str, Pools], lexicon: Lexicon) -> list[dict[str, object]]:
    return generate(SMALL, pools, lexicon, banned=banned_words(POSTS))


def test_every_language_has_pools(pools: dict[str, Pools]) -> None:
    assert set(pools) == set(LANGUAGES)


@pytest.mark.parametrize(
    ("frame", "fault"),
    [
        ("fresh {slang} in, {payment:btc only}", None),
        ("no braces", None),
        ("{price:5}", "the mark {price:5}, wanted one of payment, shipping, contact around words"),
        ("{payment: btc}", "the mark {payment: btc}, wanted one of payment, shipping, contact around words"),
        ("{drug} in", "the slot {drug}, wanted one of"),
        ("{slang in", "a brace without its partner"),
    ],
)
def test_a_frame_with_wrong_braces_is_named(frame: str, fault: str | None) -> None:
    found = fault_of(frame)
    assert found is None if fault is None else found is not None and found.startswith(fault)


def test_a_pool_that_lacks_a_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "en.toml").write_text('[frames]\nopen = ["hi"]\n[fill]\n', encoding="utf-8")
    with pytest.raises(PoolError, match=r"no frames\.offer"):
        load_pools(tmp_path)


def test_the_same_seed_gives_the_same_posts(
    pools: dict[str, Pools], lexicon: Lexicon, rows: list[dict[str, object]]
) -> None:
    assert generate(SMALL, pools, lexicon, banned=banned_words(POSTS)) == rows


def test_the_shipped_parts_are_what_the_generator_writes(pools: dict[str, Pools], lexicon: Lexicon) -> None:
    part = next(part for part in PARTS if part.development)
    shipped = [json.loads(line) for line in (POSTS / "dev.jsonl").read_text(encoding="utf-8").splitlines()]
    assert generate(part, pools, lexicon, banned=banned_words(POSTS)) == shipped


def test_every_intent_is_composed_and_two_in_five_are_adverts(rows: list[dict[str, object]]) -> None:
    counts = Counter(str(row["intent"]) for row in rows)
    assert set(counts) == {str(intent) for intent in INTENTS}
    adverts = sum(counts[intent] for intent in ADVERT_INTENTS)
    assert 0.3 < adverts / len(rows) < 0.5


def test_marks_stand_on_what_they_mark_and_only_offers_mark_more_than_names(rows: list[dict[str, object]]) -> None:
    for row in rows:
        text, spans = str(row["text"]), row["spans"]
        assert isinstance(spans, list)
        assert "{" not in text
        assert all(0 <= span["start"] < span["end"] <= len(text) for span in spans)
        assert all(text[span["start"] : span["end"]].strip() for span in spans)
        if row["intent"] not in ADVERT_INTENTS:
            assert {Kind(span["kind"]) for span in spans} <= TERM_KINDS


def test_the_posts_of_a_pair_differ_in_intent(rows: list[dict[str, object]]) -> None:
    pairs: dict[str, list[str]] = {}
    for row in rows:
        if row["pair"]:
            pairs.setdefault(str(row["pair"]), []).append(str(row["intent"]))
    assert len(pairs) > 50
    assert all(len(set(intents)) == len(intents) == 2 for intents in pairs.values())


def test_training_and_development_share_no_fragment(pools: dict[str, Pools]) -> None:
    train, development = (pools["en"].part(development=which, banned=NOTHING) for which in (False, True))
    for name in FRAMES:
        assert not set(train.frames[name]) & set(development.frames[name])
        assert sorted({*train.frames[name], *development.frames[name]}) == sorted(set(pools["en"].frames[name]))


def test_words_kept_for_the_test_are_never_written(pools: dict[str, Pools], lexicon: Lexicon, tmp_path: Path) -> None:
    kept = words_of(pools["en"], lexicon, development=False, banned=NOTHING).rarer["powder"][0]
    (tmp_path / HELD_OUT).write_text(f"{kept}\n{bare_of_tags(pools['en'].fill['slang'][0])}\n", encoding="utf-8")
    banned = banned_words(tmp_path)
    part = Part("generated", development=False, posts={"en": 120})
    assert not any(banned.search(str(row["text"]).casefold()) for row in generate(part, pools, lexicon, banned=banned))


@pytest.mark.parametrize("scene", [scene for scene, _ in SCENES], ids=lambda scene: scene.__name__)
def test_every_scene_can_be_told_in_every_language(scene: object, pools: dict[str, Pools], lexicon: Lexicon) -> None:
    assert callable(scene)
    for development in (False, True):
        for lang in LANGUAGES:
            part = pools[lang].part(development=development, banned=NOTHING)
            words = words_of(part, lexicon, development=development, banned=NOTHING)
            drafts = scene(Teller(words.settled(random.Random(3)), random.Random(3)))
            assert all(any(piece.strip() for piece in draft.pieces) for draft in drafts)


def test_a_disguised_word_keeps_its_mark_and_says_so() -> None:
    found = {disguise("get {slang:ketamine} {price:£5}", random.Random(seed)) for seed in range(12)}
    assert all(each.endswith(" {price:£5}") for each in found)
    assert all("{slang!:" in each or each == "get {slang:ketamine} {price:£5}" for each in found)
    assert len(found) > 3


def test_marks_come_off_but_for_the_kinds_that_stay() -> None:
    marked = "{slang!:k3t} at {price:£5}"
    assert bare(marked) == "k3t at £5"
    assert bare(marked, kinds=frozenset({"slang"})) == "{slang!:k3t} at £5"


def test_lower_case_leaves_marked_words_alone() -> None:
    assert lowered("Fresh {substance:MDMA} In") == "fresh {substance:MDMA} in"


def test_pieces_are_ended_before_the_next_begins() -> None:
    ends = {joined(["one", "two!", "three"], " ", random.Random(seed)) for seed in range(20)}
    assert {"one. two! three", "one! two! three"} == ends


@pytest.mark.parametrize("form", FORMS)
def test_more_costs_more_and_less_by_the_piece(form: str) -> None:
    counts = sorted(set(FORMS[form].counts))
    for unit_price in FORMS[form].unit_prices:
        for money in (money for countries in COUNTRIES.values() for money in countries.values()):
            written = [write_price(total(count, unit_price), money, "{}") for count in counts]
            assert sorted(map(int, written)) == list(map(int, written))
        by_the_piece = [total(count, unit_price) / count for count in counts]
        assert sorted(by_the_piece, reverse=True) == by_the_piece


@pytest.mark.parametrize(
    ("euro", "country", "price"), [(10, "gb", "£9"), (137, "gb", "£120"), (137, "us", "$140"), (8, "ng", "₦12000")]
)
def test_prices_are_rounded_as_people_round(euro: float, country: str, price: str) -> None:
    money = COUNTRIES["en"][country]
    assert write_price(euro, money, money.shapes[0]) == price


@pytest.mark.parametrize(
    ("form", "lang", "quantity"), [("herb", "en", "5 g"), ("powder", "ru", "5 г"), ("liquid", "cs", "5 ml")]
)
def test_a_quantity_has_the_unit_of_its_form(form: str, lang: str, quantity: str) -> None:
    assert write_quantity(5, form, lang, habit=1) == quantity


def test_pills_are_counted_and_not_weighed() -> None:
    assert {write_quantity(5, "pill", "en", habit) for habit in range(8)} == {"5", "5x", "5 pcs"}


@pytest.mark.parametrize(
    ("fragment", "fitting"),
    [
        ("fresh in", True),
        ("[gb ie] posted first class", True),
        ("[us] y'all", False),
        ("[gb food] still warm", False),
        ("[gb thing] never worn", True),
        ("boxes of {medicine}", False),
    ],
)
def test_a_fragment_fits_where_each_kind_of_its_tags_does(fragment: str, fitting: bool) -> None:
    assert fits(fragment, frozenset({"gb", "thing", "herb"})) == fitting


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_settled_author_stays_in_one_country(lang: str, pools: dict[str, Pools], lexicon: Lexicon) -> None:
    words = words_of(pools[lang], lexicon, development=False, banned=NOTHING)
    for seed in range(8):
        settled = words.settled(random.Random(seed))
        assert settled.country in COUNTRIES[lang]
        allowed = {bare_of_tags(each) for each in pools[lang].frames["ship"] if fits(each, frozenset(COUNTRIES[lang]))}
        assert set(settled.pools.frames["ship"]) <= allowed
        assert any(settled.country in tags_of(each) for each in pools[lang].fill["place"])


def test_a_tag_of_another_language_is_named() -> None:
    assert fault_of_tags("[gb us] hi", "en") is None
    assert fault_of_tags("[gb at] hi", "en") == "the tag 'at'"


def test_one_substance_in_seven_is_kept_for_development() -> None:
    shares = [is_development(f"substance {number}") for number in range(2000)]
    assert 0.12 < sum(shares) / len(shares) < 0.18


@pytest.mark.parametrize(
    ("frame", "shape"),
    [
        ("mail me: {contact}", r"^\S+@example\.com$"),
        ("call {contact}", r"^[\d +-]+$"),
        ("link {contact}", r"^https://\S+\.example"),
        ("dm {contact}", r"^@?[a-z._\d]+$"),
    ],
)
def test_a_contact_is_of_the_kind_that_its_frame_speaks_of(frame: str, shape: str) -> None:
    assert all(re.search(shape, contact_for(frame, random.Random(seed))) for seed in range(20))
