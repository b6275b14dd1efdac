from __future__ import annotations

from typing import Any

import emoji
import numpy as np
import pytest

from models.verdict import ADVERT_INTENTS, INTENTS, Decision, Intent, Kind, NpsClass, Span, Status, Substance, Verdict
from training.cards import NOT_ADVERT
from training.corpus import Row
from training.evaluation.bootstrap import Resamples
from training.evaluation.judged import Contender, Judged, safe_log_odds
from training.evaluation.slices import (
    harm_reduction,
    has_emoji,
    intent_of,
    kind_of,
    measure_slices,
    missing_notes,
    shaped,
    shares,
    slices_of,
    tally,
)

SELL = frozenset({Intent.SELL})
OTHER = frozenset({Intent.OTHER})
HARM = frozenset({Intent.HARM_REDUCTION})


def row(label: frozenset[Intent] = SELL, text: str = "text", **fields: Any) -> Row:
    return Row("x", text, label, fields.pop("source", "s"), **fields)


def verdict(*spans: Span, classes: tuple[NpsClass, ...] = ()) -> Verdict:
    substances = [Substance(f"name {place}", each, Status.CONFIRMED) for place, each in enumerate(classes)]
    return Verdict("x", Decision.ALLOW, 0.5, dict.fromkeys(INTENTS, 1 / 8), spans=spans, substances=substances)


def span(kind: Kind, source: str = "rule", *, obfuscated: bool = False) -> Span:
    return Span(0, 1, kind, "t", obfuscated=obfuscated, source=source)


def judged(
    rows: list[Row], *, verdicts: list[Verdict] | None = None, groups: list[int] | None = None, **flags: list[int]
) -> Judged:
    flags = flags or {"release": [0] * len(rows)}
    return Judged(
        rows=rows,
        verdicts=verdicts or [verdict()] * len(rows),
        is_advert=np.array([each.is_advert for each in rows], dtype=bool),
        groups=np.array(range(len(rows)) if groups is None else groups, dtype=np.int64),
        contenders=tuple(
            Contender(name, name, safe_log_odds(np.array(each, dtype=float)), np.array(each, dtype=bool))
            for name, each in flags.items()
        ),
        prevalence=0.003,
        threshold=0.5,
    )


def names(one: Row, said: Verdict | None = None) -> set[str]:
    """The slices that a single row lies in."""
    return set(slices_of(judged([one], verdicts=[said or verdict()])))


PLAIN = {
    *("all", "intent:sell", "class:none found", "lang:unknown", "source:s", "length:1 to 8 words"),
    *("disguised:no", "emoji:no", "listed term:none", "price:no", "contact:no"),
}


def test_a_plain_row_lies_in_one_slice_of_each_kind_that_every_row_has() -> None:
    assert names(row()) == PLAIN


@pytest.mark.parametrize(
    ("one", "added"),
    [
        (row(lang="de"), {"lang:de"}),
        (row(lang="mul"), {"lang:mul"}),
        (row(source="forum: old"), {"source:forum: old"}),
        (row(platform="telegram"), {"platform:telegram"}),
        (row(year="2014"), {"year:2014"}),
        (row(group="a"), {"pair:yes"}),
        (row(text="2-MMC 🔥"), {"emoji:yes"}),
        (
            row(spans=(span(Kind.SLANG, obfuscated=True),)),
            {"disguised:yes", "written:unknown", "named:unlisted"},
        ),
        (row(spans=(span(Kind.SLANG),), lang="de"), {"lang:de", "written:de", "named:unlisted"}),
        (row(spans=(span(Kind.PRICE),), lang="de"), {"lang:de", "written:de", "named:none"}),
        (row(spans=(), lang="de"), {"lang:de", "written:de", "named:none"}),
        (row(ADVERT_INTENTS), {"intent:advert, unknown"}),
        (row(NOT_ADVERT), {"intent:no advert, unknown"}),
        (row(frozenset({Intent.SELL, Intent.SEEK})), {"intent:unknown"}),
        (row(HARM), {"intent:harm_reduction"}),
    ],
)
def test_what_a_row_states_puts_it_into_a_slice(one: Row, added: set[str]) -> None:
    kinds = {kind_of(name) for name in added}
    assert names(one) == {name for name in PLAIN if kind_of(name) not in kinds} | added


@pytest.mark.parametrize(
    ("said", "added"),
    [
        (verdict(span(Kind.PRICE)), {"price:yes"}),
        (verdict(span(Kind.CONTACT)), {"contact:yes"}),
        (verdict(span(Kind.SUBSTANCE, "lexicon")), {"listed term:yes"}),
        (verdict(span(Kind.SLANG, "lexicon")), {"listed term:yes"}),
        (verdict(span(Kind.SLANG, "model")), {"listed term:none"}),
        (verdict(span(Kind.PRICE, "lexicon")), {"listed term:none", "price:yes"}),
        (verdict(span(Kind.SLANG, "model", obfuscated=True)), {"disguised:yes"}),
        (verdict(classes=(NpsClass.OPIOIDS,)), {"class:opioids"}),
        (verdict(classes=(NpsClass.OPIOIDS, NpsClass.OPIOIDS)), {"class:opioids"}),
        (verdict(classes=(NpsClass.OPIOIDS, NpsClass.OTHER)), {"class:opioids", "class:other"}),
    ],
)
def test_what_the_release_found_puts_a_row_into_a_slice(said: Verdict, added: set[str]) -> None:
    kinds = {kind_of(name) for name in added}
    assert names(row(), said) == {name for name in PLAIN if kind_of(name) not in kinds} | added


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ([], "unlisted"),
        ([Span(4, 8, Kind.SLANG, "zaza", source="lexicon")], "listed"),
        ([Span(6, 12, Kind.SUBSTANCE, "za and", source="lexicon")], "listed"),
        ([Span(4, 8, Kind.SLANG, "zaza", source="model")], "unlisted"),
        ([Span(4, 8, Kind.PRICE, "zaza", source="lexicon")], "unlisted"),
        ([Span(0, 3, Kind.SLANG, "got", source="lexicon"), Span(8, 9, Kind.SLANG, " ", source="lexicon")], "unlisted"),
        ([Span(13, 17, Kind.SLANG, "wugs", source="lexicon")], "listed"),  # one of two is enough
    ],
)
def test_a_post_is_listed_when_the_lexicon_found_one_of_the_drug_words_that_its_author_marked(
    said: list[Span], name: str
) -> None:
    marked = (Span(4, 8, Kind.SLANG, "zaza"), Span(13, 17, Kind.SUBSTANCE, "wugs"), Span(0, 3, Kind.CONTACT, "got"))
    found = names(row(text="got zaza and wugs", spans=marked), verdict(*said))
    assert {each for each in found if kind_of(each) == "named"} == {f"named:{name}"}


@pytest.mark.parametrize(
    ("count", "name"),
    [
        (1, "1 to 8 words"),
        (8, "1 to 8 words"),
        (9, "9 to 20"),
        (20, "9 to 20"),
        (21, "21 to 50"),
        (50, "21 to 50"),
        (51, "51 to 120"),
        (120, "51 to 120"),
        (121, "over 120"),
    ],
)
def test_length_is_counted_in_words(count: int, name: str) -> None:
    assert f"length:{name}" in names(row(text="word " * count))


def test_masks_tell_the_rows_and_slices_stand_in_a_readable_order() -> None:
    rows = [
        row(NOT_ADVERT, year="2020", text="w " * 200, lang="sv"),
        row(OTHER, year="2009", text="w " * 10),
        row(SELL, text="w " * 30, lang="cs"),
        row(SELL, text="w", lang="sv"),
    ]
    slices = slices_of(judged(rows))
    assert next(iter(slices)) == "all"
    assert slices["all"].tolist() == [True] * 4
    assert slices["lang:sv"].tolist() == [True, False, False, True]
    assert slices["intent:sell"].tolist() == [False, False, True, True]
    assert all(mask.dtype == bool and mask.any() for mask in slices.values())

    def of_kind(kind: str) -> list[str]:
        return [name.partition(":")[2] for name in slices if kind_of(name) == kind]

    assert of_kind("intent") == ["sell", "other", "no advert, unknown"]
    assert of_kind("lang") == ["cs", "sv", "unknown"]
    assert of_kind("year") == ["2009", "2020"]
    assert of_kind("length") == ["1 to 8 words", "9 to 20", "21 to 50", "over 120"]


def test_without_rows_there_is_only_the_empty_whole() -> None:
    nothing = judged([])
    assert {name: mask.tolist() for name, mask in slices_of(nothing).items()} == {"all": []}
    nowhere = {"count": 0, "of": 0, "share": None, "low": None, "high": None}
    assert measure_slices(nothing, Resamples(nothing.groups), slices_of(nothing)) == {
        "all": {"release": {"recall": nowhere, "false_flags": nowhere}}
    }


@pytest.mark.parametrize("text", ["❤", "❤️", "ok 👍🏽", "🇩🇪", "1️⃣ g", "©️", "⌛", "✔ sent", "👩‍🔬"])
def test_emoji_are_seen(text: str) -> None:
    assert has_emoji(text)


@pytest.mark.parametrize("text", ["", "plain 123 #1 *", "© ® ™", "a → b", "a\u200db", "тест", "10 €", "x\U000e0061"])
def test_signs_and_hidden_characters_are_no_emoji(text: str) -> None:
    assert not has_emoji(text)


def test_every_full_emoji_of_the_standard_is_seen() -> None:
    full = [key for key, entry in emoji.EMOJI_DATA.items() if entry["status"] == emoji.STATUS["fully_qualified"]]
    assert [key for key in full if not has_emoji(key)] == []


ROWS = [
    *(row(SELL, lang="en") for _ in range(4)),
    *(row(SELL, lang="de") for _ in range(2)),
    *(row(OTHER, lang="en") for _ in range(3)),
]
RELEASE = [1, 1, 1, 0, 0, 0, 1, 0, 0]
LEXICON = [1, 0, 0, 0, 1, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("name", "who", "measure", "count", "of"),
    [
        ("all", "release", "recall", 3, 6),
        ("all", "release", "false_flags", 1, 3),
        ("all", "lexicon", "recall", 2, 6),
        ("all", "lexicon", "false_flags", 3, 3),
        ("lang:en", "release", "recall", 3, 4),
        ("lang:en", "lexicon", "recall", 1, 4),
        ("lang:de", "release", "recall", 0, 2),
        ("lang:de", "lexicon", "recall", 1, 2),
        ("lang:de", "release", "false_flags", 0, 0),
        ("intent:other", "release", "recall", 0, 0),
        ("intent:other", "lexicon", "false_flags", 3, 3),
    ],
)
def test_every_contender_is_counted_in_every_slice(name: str, who: str, measure: str, count: int, of: int) -> None:
    data = judged(ROWS, release=RELEASE, lexicon=LEXICON)
    found = measure_slices(data, Resamples(data.groups, rounds=50), slices_of(data))
    assert list(found) == list(slices_of(data))
    assert all(list(rates) == ["release", "lexicon"] for rates in found.values())
    rate = found[name][who][measure]
    assert (rate["count"], rate["of"], rate["share"]) == (count, of, count / of if of else None)
    assert rate["low"] is None if not of else rate["low"] <= rate["share"] <= rate["high"]


def test_copies_of_few_texts_widen_the_interval_of_a_rate() -> None:
    rows, flags = [row() for _ in range(100)], [1] * 50 + [0] * 50
    apart = judged(rows, release=flags)
    tied = judged(rows, release=flags, groups=[place // 10 for place in range(100)])
    rates = [
        measure_slices(data, Resamples(data.groups), {"all": np.ones(100, dtype=bool)})["all"]["release"]["recall"]
        for data in (apart, tied)
    ]
    assert rates[0]["share"] == rates[1]["share"] == 0.5
    assert rates[0]["high"] - rates[0]["low"] < 0.21
    assert rates[1]["high"] - rates[1]["low"] > 0.5  # ten texts, not a hundred


def test_the_columns_of_a_tally_are_contenders_by_sides_by_slices() -> None:
    data = judged(ROWS, release=RELEASE, lexicon=LEXICON)
    slices = {name: mask for name, mask in slices_of(data).items() if kind_of(name) in ("all", "lang")}
    counts = shaped(tally(data, slices).sum(axis=0), data, slices)  # slices: all, de, en
    assert counts.tolist() == [[[6, 2, 4], [3, 0, 3]], [[3, 0, 3], [1, 0, 1]], [[2, 1, 1], [3, 0, 3]]]
    assert shares(counts)[0, 0].tolist() == [0.5, 0.0, 0.75]
    assert np.isnan(shares(counts)[:, 1, 1]).all()


def test_harm_reduction_counts_posts_with_that_intent_alone() -> None:
    rows = [row(HARM), row(HARM), row(NOT_ADVERT), row(OTHER), row(SELL)]
    data = judged(rows, release=[1, 0, 1, 1, 1], baseline=[0, 0, 1, 1, 1])
    found = harm_reduction(data, Resamples(data.groups, rounds=50))
    assert (found["release"]["count"], found["release"]["of"]) == (1, 2)
    assert (found["baseline"]["count"], found["baseline"]["of"]) == (0, 2)
    assert found["what"] == "posts labelled harm_reduction"


def test_without_harm_reduction_the_reason_is_given() -> None:
    data = judged([row(NOT_ADVERT)])
    assert harm_reduction(data, Resamples(data.groups)) == {"why": "no post labelled harm_reduction in these data"}


STATED: dict[str, Any] = {"platform": "x", "year": "2020"}


@pytest.mark.parametrize(
    ("rows", "note"),
    [
        ([], "no posts in these data: nothing can be shown"),
        ([row(**STATED)], "no post without an advert in these data: no false-flag rate and no precision can be shown"),
        ([row(OTHER, **STATED)], "no adverts in these data: no recall and no precision can be shown"),
    ],
)
def test_one_side_alone_is_said_once(rows: list[Row], note: str) -> None:
    assert missing_notes(judged(rows)) == [note]


def test_languages_with_one_side_are_named() -> None:
    rows = [row(lang="nl"), row(lang="sv"), row(lang="en"), row(OTHER, lang="en"), row(OTHER, lang="fr"), row(OTHER)]
    notes = missing_notes(judged(rows))
    assert "no posts without an advert in nl, sv: no false-flag rate can be shown there" in notes
    assert "no adverts in fr, unknown: no recall can be shown there" in notes
    assert "no post states its platform or year: no slice shows it" in notes
    assert (
        "no posts labelled recruit, promote, seek, harm_reduction, news_science, use_talk: "
        "nothing can be shown of these intents"
    ) in notes


def test_too_few_others_for_a_low_rate_are_told_by_the_rule_of_three() -> None:
    rows = [row(lang="en"), row(lang="de"), row(lang="fr"), row(lang="nl")]
    rows += [row(OTHER, lang="en")] * 30_000 + [row(OTHER, lang="de")] * 2_999 + [row(OTHER, lang="fr")] * 5
    assert [note for note in missing_notes(judged(rows)) if "1 in 10,000" in note] == [
        "a false-flag rate near 1 in 10,000 takes 30,000 posts without an advert to show; with none flagged, "
        "these can show no more than: de (2,999 posts: under 1 in 999), fr (5 posts: nothing)"
    ]


def test_the_whole_is_told_beside_its_languages() -> None:
    (note,) = [
        note
        for note in missing_notes(judged([row(lang="en")] + [row(OTHER, lang="en")] * 1_000))
        if "1 in 10,000" in note
    ]
    assert note.endswith("no more than: all (1,000 posts: under 1 in 333)")  # one language: not said twice


def test_data_that_carry_everything_need_no_notes() -> None:
    rows = [row(frozenset({intent}), lang="en", **STATED) for intent in INTENTS]
    assert missing_notes(judged(rows + [row(OTHER, lang="en", **STATED)] * 30_000)) == []


@pytest.mark.parametrize(
    ("label", "name"),
    [
        (SELL, "sell"),
        (ADVERT_INTENTS, "advert, unknown"),
        (frozenset({Intent.SELL, Intent.PROMOTE}), "advert, unknown"),
        (NOT_ADVERT, "no advert, unknown"),
        (frozenset(INTENTS), "unknown"),
    ],
)
def test_a_label_is_named_as_far_as_it_is_known(label: frozenset[Intent], name: str) -> None:
    assert intent_of(row(label)) == name
