from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from models.lexicon import Lexicon
from models.termlist import Term
from models.verdict import NpsClass, Status
from training.lexicon_ambiguity import count, level
from training.lexicon_compile import main
from training.lexicon_rules import Hand, classed, status
from training.lexicon_sources import Entry, written

SHIPPED = Path(__file__).parent.parent / "data_cards" / "lexicon"
NAMES = """name\tgroup_heuristic\tclasses\taliases\tsources
Alprazolam\tx\tbenzodiazepine; Schedule IV\txanax | Bars\ttripsit,dod_prohibited
Bromazolam\tx\tbenzodiazepine\tBrom\ttripsit,dosewiki
Buphedrone\tx\tcathinone; Schedule I\t4-mmc | Mephedrone\tdod_prohibited
Aspirin\tx\t\t\ttripsit
Poppers\tx\tinhalant\t\tpsychonautwiki
JWH-018 2-naphthyl isomer\tx\t\t\tfiu2015
Stanozolol\tx\tSchedule III\twinstrol\tdod_prohibited
"""
HAND = """rule\tkey\tvalue\tdetail
add\tbromazolame\tBromazolam\tfr
class\tcocaine\tcontrolled\t
drop\tAspirin\tout of scope\t
innocent\tcocaine bear\t\t
means\tcocaine\tcocaine\t
reads\ten:plug\t\t
split\tBuphedrone\tmephedrone\t4-mmc | Mephedrone
"""
SLANG = """term\tdrugs\tn_sources\tsources\tbenign_df\tbenign_per_10k\tambiguity
white\tcocaine\t1\tDEA(DOPE)\t0\t0\tlow
plug\tcocaine\t1\tDEA(DOPE)\t0\t0\tlow
house fee\tcocaine\t2\tDOPE,noslang/ONDCP\t0\t0\tlow
fishscale\tcocaine\t1\tDEA(DOPE)\t0\t0\tlow
"""


def build(folder: Path) -> list[Term]:
    """Compile a small world: 400 benign posts, 20 adverts."""
    (folder / "nps_names.tsv").write_text(NAMES, encoding="utf-8")
    (folder / "slang_en.tsv").write_text(SLANG, encoding="utf-8")
    (folder / "nps_supplement_manual.tsv").write_text("group\tname\taliases\tsource\n", encoding="utf-8")
    (folder / "slang_supplement_2020s.tsv").write_text("term\tdrug\tsource\n", encoding="utf-8")
    (folder / "slang_multilingual.tsv").write_text("lang\tterm\tdrug\tsource\n", encoding="utf-8")
    (folder / "emoji_drug_code.tsv").write_text(
        "emoji\tmeaning\tsource\n\u2744\ufe0f\tcocaine\tDEA guide via press\n", encoding="utf-8"
    )
    (folder / "cannabis_strains.tsv").write_text("strain\ttype\n", encoding="utf-8")
    (folder / "hand.tsv").write_text(HAND, encoding="utf-8")
    benign = [
        ("not_ad", "tweets", f"a {'white' if number % 3 == 0 else 'green'} hat {number}") for number in range(400)
    ]
    adverts = [("drug_ad", "agora_title", "fishscale, best price")] * 20
    with gzip.open(folder / "posts.jsonl.gz", "wt", encoding="utf-8") as file:
        for label, src, text in [*benign, *adverts]:
            file.write(json.dumps({"label": label, "src": src, "text": text, "lang": "en"}) + "\n")
    main(["--sources", str(folder), "--benign", str(folder / "posts.jsonl.gz"), "--out", str(folder)])
    return list(Lexicon.load(folder / "terms.tsv").terms)


def test_compiling_grades_classes_and_leaves_out(tmp_path: Path) -> None:
    terms = {term.surface: term for term in build(tmp_path)}
    assert (terms["alprazolam"].nps_class, terms["alprazolam"].status) == (NpsClass.MEDICINES, Status.CONFIRMED)
    assert (terms["bromazolam"].nps_class, terms["bromazolam"].status) == (NpsClass.BENZODIAZEPINES, Status.CONFIRMED)
    assert terms["bromazolame"].status is Status.CANDIDATE
    assert (terms["mephedrone"].substance, terms["buphedrone"].substance) == ("mephedrone", "buphedrone")
    assert terms["stanozolol"].nps_class is NpsClass.OTHER
    assert terms["fishscale"].ambiguity == "none"
    assert terms["cocaine bear"].status is Status.RETIRED
    assert terms["\u2744\ufe0f"].status is Status.AMBIGUOUS
    assert not {"aspirin", "poppers", "plug", "house fee", "white", "JWH-018 2-naphthyl isomer"} & set(terms)


def test_compiling_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    build(tmp_path)
    first = (tmp_path / "terms.tsv").read_bytes()
    build(tmp_path)
    assert (tmp_path / "terms.tsv").read_bytes() == first


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ({"dea"}, Status.CONFIRMED),
        ({"tripsit", "fiu"}, Status.CONFIRMED),
        ({"tripsit", "psychonautwiki"}, Status.CONFIRMED),
        ({"tripsit"}, Status.CANDIDATE),
        ({"tripsit", "manual"}, Status.CANDIDATE),
        ({"manual"}, Status.CANDIDATE),
        ({"psychonautwiki"}, None),
    ],
)
def test_what_confirms_a_substance(sources: set[str], expected: Status | None) -> None:
    assert status(sources) is expected


@pytest.mark.parametrize(
    ("surface", "expected"),
    [
        ("Ritalin\u00ae", "Ritalin"),
        ('"cat"', "cat"),
        ("opium, raw", None),
        ("1-[1-(2-thienyl)cyclohexyl]piperidine", None),
        ("hop/hops", None),
        ("100 ml", None),
        ("5F\u2013APINACA", "5F-APINACA"),
    ],
)
def test_what_a_post_may_write_is_kept(surface: str, expected: str | None) -> None:
    assert written(surface) == expected


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        (Term("MET", "MET", NpsClass.TRYPTAMINES), "medium"),
        (Term("T", "testosterone", NpsClass.OTHER), "high"),
        (Term("2C-E", "2C-E", NpsClass.PHENETHYLAMINES), "none"),
        (Term("methylone", "methylone", NpsClass.CATHINONES), "none"),
        (Term("Croc", "desomorphine", NpsClass.CONTROLLED), "medium"),
        (Term("accordion", "methamphetamine", NpsClass.CONTROLLED, "en", "slang"), "medium"),
        (Term("her hat", "cocaine", NpsClass.CONTROLLED, "en", "slang"), "high"),
        (Term("her", "heroin", NpsClass.CONTROLLED, "en", "slang"), None),
        (Term("\u2744\ufe0f", "cocaine", NpsClass.CONTROLLED, "*", "slang"), "medium"),
        (Term("Blue Dream", "cannabis", NpsClass.CONTROLLED, "en", "strain"), "none"),
    ],
)
def test_ambiguity_is_measured_and_short_or_plain_forms_are_never_clear(term: Term, expected: str | None) -> None:
    posts = [("en", f"red hat of her {number}") for number in range(100)] + [("en", "a red Croc")]
    assert level(term, count([term], posts), Hand([])) == expected


def test_a_hand_decision_overrules_the_counts() -> None:
    term = Term("weed", "cannabis", NpsClass.CONTROLLED)
    benign = count([term], [("en", "weed in the garden")] * 50)
    assert level(term, benign, Hand([("clear", "weed", "", "")])) == "low"
    assert level(term, benign, Hand([])) is None


def test_a_rule_for_a_substance_that_no_list_holds_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hand.tsv").write_text("rule\tkey\tvalue\tdetail\nguess\tx\ty\t\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"line 2.*guess"):
        Hand.load(tmp_path / "hand.tsv")


def test_class_words_name_the_class_where_the_name_does_not() -> None:
    entry = Entry("Glorpine", [], "stimulant; cathinone (substituted)", {"tripsit"})
    assert classed(entry, Hand([])) is NpsClass.CATHINONES


@pytest.mark.parametrize(
    ("surface", "substance", "nps_class"),
    [
        ("2-MMC", "2-MMC", NpsClass.CATHINONES),
        ("4-MMC", "mephedrone", NpsClass.CATHINONES),
        ("bromazolam", "bromazolam", NpsClass.BENZODIAZEPINES),
        ("bromazepam", "bromazepam", NpsClass.MEDICINES),
        ("phenibut", "phenibut", NpsClass.OTHER),
        ("diazepam", "diazepam", NpsClass.MEDICINES),
        ("cocaine", "cocaine", NpsClass.CONTROLLED),
        ("isotonitazene", "isotonitazene", NpsClass.OPIOIDS),
        ("nitrous oxide", "nitrous oxide", NpsClass.INHALANTS),
        ("kratom", "kratom", NpsClass.PLANTS_EXTRACTS),
        ("GBL", "GBL", NpsClass.GHB_LIKE),
        ("HHC", "HHC", NpsClass.SEMI_SYNTHETIC_CANNABINOIDS),
        ("JWH-018", "JWH-018", NpsClass.SYNTHETIC_CANNABINOIDS),
        ("2-FDCK", "2-FDCK", NpsClass.ARYLCYCLOHEXYLAMINES),
    ],
)
def test_the_shipped_list_classes_the_well_known(surface: str, substance: str, nps_class: NpsClass) -> None:
    terms = {
        term.surface.lower(): term for term in Lexicon.load(SHIPPED / "terms.tsv").terms if term.kind == "substance"
    }
    assert (terms[surface.lower()].substance, terms[surface.lower()].nps_class) == (substance, nps_class)


@pytest.mark.parametrize(
    "word", ["aspirin", "caffeine", "alcohol", "nicotine", "sildenafil", "naloxone", "plug", "vouch"]
)
def test_the_shipped_list_leaves_out_what_is_no_drug_of_ours(word: str) -> None:
    assert word not in {term.surface.lower() for term in Lexicon.load(SHIPPED / "terms.tsv").terms if term.clear}


def test_the_shipped_list_confirms_600_psychoactive_substances() -> None:
    terms = Lexicon.load(SHIPPED / "terms.tsv").terms
    confirmed = {term.substance for term in terms if term.kind == "substance" and term.status is Status.CONFIRMED}
    steroids_and_others = {term.substance for term in terms if term.nps_class is NpsClass.OTHER}
    assert len(confirmed - steroids_and_others) >= 600
