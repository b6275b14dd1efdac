from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.lexicon import Lexicon, substances
from models.normalise import Normalised, normalise
from models.termlist import COLUMNS, Term
from models.verdict import Kind, NpsClass, Span, Status

TERMS = (
    Term("2-MMC", "2-MMC", NpsClass.CATHINONES, status=Status.CONFIRMED),
    Term("mephedrone", "mephedrone", NpsClass.CATHINONES, status=Status.CONFIRMED),
    Term("alprazolam", "alprazolam", NpsClass.MEDICINES, status=Status.CONFIRMED),
    Term("cocaine", "cocaine", NpsClass.CONTROLLED, status=Status.CONFIRMED),
    Term("DOM", "DOM", NpsClass.PHENETHYLAMINES, status=Status.AMBIGUOUS, ambiguity="high"),
    Term("ket", "ketamine", NpsClass.MEDICINES, "en", "slang"),
    Term("k\u00e9ta", "ketamine", NpsClass.MEDICINES, "fr", "slang"),
    Term("g\u00e9", "GHB", NpsClass.GHB_LIKE, "fr", "slang"),
    Term("blotter", "LSD", NpsClass.CONTROLLED, "en", "slang", Status.AMBIGUOUS, "medium"),
    Term("white", "cocaine", NpsClass.CONTROLLED, "en", "slang", Status.AMBIGUOUS, "high"),
    Term("\u2744\ufe0f", "cocaine", NpsClass.CONTROLLED, "*", "slang", Status.AMBIGUOUS, "medium"),
    Term("Blue Dream", "cannabis", NpsClass.CONTROLLED, "en", "strain", Status.AMBIGUOUS),
    Term("Dream", "cannabis", NpsClass.CONTROLLED, "en", "strain", Status.AMBIGUOUS, "medium"),
)
LEXICON = Lexicon(TERMS)


def cue(text: str, kind: Kind, surface: str) -> Span:
    start = text.index(surface)
    return Span(start, start + len(surface), kind, surface)


def found(text: str, *cues: tuple[Kind, str], lexicon: Lexicon = LEXICON) -> list[tuple[str, str | None]]:
    signals = [cue(text, kind, surface) for kind, surface in cues]
    return [(span.text, span.term) for span in lexicon.find(normalise([text]), [signals])[0]]


@pytest.mark.parametrize("written", ["2-MMC", "2mmc", "2 MMC", "2\u2011MMC", "#2MMC", "(2-mmc)", "2-MMC's"])
def test_a_chemical_name_is_found_in_any_spelling(written: str) -> None:
    assert [term for _, term in found(f"new batch {written} here")] == ["2-MMC"]


@pytest.mark.parametrize("text", ["ketchup", "a ticket", "blanket", "cocainery", "mephedrones2"])
def test_a_part_of_a_word_is_no_term(text: str) -> None:
    assert found(text) == []


def test_a_plural_is_found_whole() -> None:
    assert found("alprazolams in stock") == [("alprazolams", "alprazolam")]


@pytest.mark.parametrize(
    ("text", "terms"),
    [("keta dispo", ["ketamine"]), ("k\u00e9ta dispo", ["ketamine"]), ("ge", []), ("g\u00e9", ["GHB"])],
)
def test_an_accent_may_be_left_out_of_all_but_short_words(text: str, terms: list[str]) -> None:
    assert [term for _, term in found(text)] == terms


def test_offsets_are_those_of_the_original_text() -> None:
    text = "\U0001f525 m\u200bephedrone \U0001f4e6 and cocaine"
    spans = LEXICON.find(normalise([text]), [[]])[0]
    assert [text[span.start : span.end] for span in spans] == ["m\u200bephedrone", "cocaine"]
    assert [span.obfuscated for span in spans] == [True, False]


def test_a_disguise_is_not_undone_for_a_short_word() -> None:
    text = "ket"
    hidden = Normalised("k.e.t", text, (0, 2, 4), (1, 3, 5), (True, True, True))
    assert LEXICON.find([hidden], [[]]) == [[]]


@pytest.mark.parametrize(
    ("text", "cues", "expected"),
    [
        ("ink blotter on my desk", (), []),
        ("blotter and cocaine", (), ["blotter", "cocaine"]),
        ("10 tabs of blotter", ((Kind.QUANTITY, "10 tabs"),), ["blotter"]),
        ("blotter 20 eur dm me", ((Kind.PRICE, "20 eur"), (Kind.CONTACT, "dm me")), []),
        ("white shirt, 20 eur", ((Kind.PRICE, "20 eur"),), []),
        ("cocaine is a plague, and the police car was painted white", (), ["cocaine"]),
        ("white 3.5g for 200 eur", ((Kind.QUANTITY, "3.5g"), (Kind.PRICE, "200 eur")), ["white"]),
        ("white 3.5g", ((Kind.QUANTITY, "3.5g"),), []),
        ("cocaine, white", (), ["cocaine", "white"]),
        ("@white has cocaine", (), ["cocaine"]),
    ],
)
def test_an_ambiguous_word_needs_evidence_beside_it(
    text: str, cues: tuple[tuple[Kind, str], ...], expected: list[str]
) -> None:
    assert [surface for surface, _ in found(text, *cues)] == expected


def test_evidence_far_away_does_not_count() -> None:
    assert found("blotter" + " la" * 30 + " cocaine") == [("cocaine", "cocaine")]


def test_what_is_itself_a_signal_is_no_term() -> None:
    text = "2 blotter for 5"
    assert found(text, (Kind.QUANTITY, "2 blotter"), (Kind.PRICE, "for 5")) == []


@pytest.mark.parametrize(("text", "expected"), [("DOM, cocaine", ["DOM", "cocaine"]), ("dom, cocaine", ["cocaine"])])
def test_an_ambiguous_acronym_counts_in_capitals_only(text: str, expected: list[str]) -> None:
    assert [surface for surface, _ in found(text)] == expected


@pytest.mark.parametrize("text", ["\u2744\ufe0f it snows", "\u2744 it snows", "\u2744\ufe0f\u2744\ufe0f dm me"])
def test_an_emoji_alone_is_never_a_term(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize("emoji", ["\u2744\ufe0f", "\u2744"])
def test_an_emoji_beside_a_drug_is_a_term(emoji: str) -> None:
    assert found(f"cocaine {emoji} here")[1] == ("\u2744", "cocaine")


def test_a_strain_is_a_term_only_beside_other_evidence() -> None:
    assert found("Blue Dream, my favourite song") == []
    assert found("cocaine and Blue Dream") == [("cocaine", "cocaine"), ("Blue Dream", "cannabis")]


@pytest.mark.parametrize(
    ("text", "status", "source"),
    [
        ("mephedrone", Status.CONFIRMED, "lexicon"),
        ("4-AcO-DALT", Status.CANDIDATE, "rule"),
        ("alprazolam", Status.CONFIRMED, "lexicon"),
        ("N-desethyl-protonitazene", Status.CANDIDATE, "rule"),
    ],
)
def test_a_listed_name_outranks_the_naming_rule(text: str, status: Status, source: str) -> None:
    (span,) = LEXICON.find(normalise([text]), [[]])[0]
    assert (span.status, span.source, span.kind) == (status, source, Kind.SUBSTANCE)


def test_an_ambiguous_span_says_so() -> None:
    spans = LEXICON.find(normalise(["cocaine, white"]), [[]])[0]
    assert [span.status for span in spans] == [Status.CONFIRMED, Status.AMBIGUOUS]
    assert [(one.name, one.status) for one in substances(spans)] == [("cocaine", Status.CONFIRMED)]


def test_a_term_added_at_noon_works_at_noon_and_leaves_the_base_alone() -> None:
    live = LEXICON.overlaid([Term("blue zebra", "2-MMC", NpsClass.CATHINONES, "en", "slang")], ["cocaine"])
    text = "blue zebra and cocaine"
    assert found(text, lexicon=live) == [("blue zebra", "2-MMC")]
    assert found(text) == [("cocaine", "cocaine")]
    assert live.version.startswith(LEXICON.version + "+")
    assert live.version != LEXICON.overlaid([], ["cocaine"]).version


def test_a_retired_name_is_not_found_by_its_shape() -> None:
    assert found("4-AcO-DALT", lexicon=LEXICON.overlaid([], ["4-AcO-DALT"])) == []


def test_a_retired_phrase_hides_the_terms_within_it() -> None:
    taught = LEXICON.overlaid([], ["cocaine bear"])
    assert found("the film Cocaine Bear", lexicon=taught) == []
    assert found("cocaine", lexicon=taught) == [("cocaine", "cocaine")]


def test_an_amount_of_ordinary_goods_backs_no_term() -> None:
    assert found("blotter x 40", (Kind.QUANTITY, "x 40")) == []


def test_a_retired_term_comes_back_when_it_is_added_again() -> None:
    gone = LEXICON.overlaid([], ["cocaine"])
    back = gone.overlaid([Term("cocaine", "cocaine", NpsClass.CONTROLLED, status=Status.CONFIRMED)])
    assert found("cocaine", lexicon=back) == [("cocaine", "cocaine")]


def test_saving_and_loading_keep_terms_and_version(tmp_path: Path) -> None:
    LEXICON.save(tmp_path / "terms.tsv")
    loaded = Lexicon.load(tmp_path / "terms.tsv")
    assert loaded.terms == LEXICON.terms
    assert loaded.version == LEXICON.version
    assert Lexicon.load(tmp_path / "terms.tsv", "2026-12-01.3").version == "2026-12-01.3"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("ket\tketamine\tstimulants\ten\tslang\tcandidate\tnone\t\t", "line 2.*stimulants"),
        ("ket\tketamine\tmedicines\ten\tslang\tlikely\tnone\t\t", "line 2.*likely"),
        ("ket\tketamine\tmedicines\ten\tnick\tcandidate\tnone\t\t", "line 2.*wanted a surface, a kind"),
        ("ket\tketamine", "line 2.*wanted 9 fields"),
    ],
)
def test_a_bad_line_is_named_with_what_was_found_and_wanted(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "terms.tsv"
    path.write_text("\t".join(COLUMNS) + "\n" + line + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        Lexicon.load(path)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "terms.tsv"
    path.write_text("surface\tsubstance\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"line 1.*nps_class"):
        Lexicon.load(path)


def test_an_empty_lexicon_finds_only_what_names_itself() -> None:
    assert found("cocaine and 4-AcO-DALT", lexicon=Lexicon([])) == [("4-AcO-DALT", "4-AcO-DALT")]


@given(
    st.lists(
        st.sampled_from([*"aK\u00e9\u0451\u2744\ufe0f @#-.2", " 2-MMC ", " cocaine", " white ", "ket"]), max_size=30
    )
)
def test_spans_are_ordered_disjoint_and_say_what_they_cover(parts: list[str]) -> None:
    text = "".join(parts)
    spans = LEXICON.find(normalise([text]), [[]])[0]
    assert all(text[span.start : span.end] == span.text for span in spans)
    assert all(left.end <= right.start for left, right in pairwise(spans))
