from __future__ import annotations

import pytest

from models.naming import class_of, named
from models.spelling import fold, spellings
from models.verdict import NpsClass


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("5F-MDMB-PICA", NpsClass.SYNTHETIC_CANNABINOIDS),
        ("MDMB-4en-PINACA", NpsClass.SYNTHETIC_CANNABINOIDS),
        ("ADB-5'Br-BUTINACA", NpsClass.SYNTHETIC_CANNABINOIDS),
        ("EDMB-FUBINACA", NpsClass.SYNTHETIC_CANNABINOIDS),
        ("AB-CHMINACA", NpsClass.SYNTHETIC_CANNABINOIDS),
        ("HHC-P", NpsClass.SEMI_SYNTHETIC_CANNABINOIDS),
        ("THCJD", NpsClass.SEMI_SYNTHETIC_CANNABINOIDS),
        ("delta-10-THC", NpsClass.SEMI_SYNTHETIC_CANNABINOIDS),
        ("5-MMC", NpsClass.CATHINONES),
        ("3 CMC", NpsClass.CATHINONES),
        ("4mec", NpsClass.CATHINONES),
        ("dipentylone", NpsClass.CATHINONES),
        ("N-propylhexedrone", NpsClass.CATHINONES),
        ("2C-T-19", NpsClass.PHENETHYLAMINES),
        ("25X-NBOMe", NpsClass.PHENETHYLAMINES),
        ("1DD-LSD", NpsClass.LYSERGAMIDES),
        ("5-MeO-EiPT", NpsClass.TRYPTAMINES),
        ("4-AcO-DALT", NpsClass.TRYPTAMINES),
        ("4-Cl-PCP", NpsClass.ARYLCYCLOHEXYLAMINES),
        ("3-MeO-PCE", NpsClass.ARYLCYCLOHEXYLAMINES),
        ("N-desethyl-protonitazene", NpsClass.OPIOIDS),
        ("meta-fluorofentanyl", NpsClass.OPIOIDS),
        ("flubrozolam", NpsClass.BENZODIAZEPINES),
        ("methoxyphenylpiperazine", NpsClass.PIPERAZINES),
        ("6-EAPB", NpsClass.ARYLALKYLAMINES),
    ],
)
def test_a_name_no_list_holds_is_classed_by_its_shape(name: str, expected: NpsClass) -> None:
    assert class_of(name) is expected


@pytest.mark.parametrize(
    "text",
    [
        "PICA disorder and how to live with it",
        "benzocaine gel, lidocaine and a drone for sale",
        "piperazine for the puppy",
        "an anti-fentanyl campaign on nonfentanyl deaths",
        "Babylone, nylon and xylophone",
        "1x LSD museum ticket",
        "I met 4 PCs in room 2C",
        "we left at 4, MET gala at 5",
        "Harmonica and America",
        "table 2c, row 5",
    ],
)
def test_innocent_text_has_no_chemical_name(text: str) -> None:
    assert list(named(text)) == []


def test_ranges_are_those_of_the_name() -> None:
    text = "restock: 5-MeO-EiPT, 2C-T-19 and ADB-FUBICA"
    assert [text[start:end] for start, end, _ in named(text)] == ["5-MeO-EiPT", "2C-T-19", "ADB-FUBICA"]


@pytest.mark.parametrize(
    ("surface", "written"),
    [
        ("2-MMC", "2mmc"),
        ("2-MMC", "2 mmc"),
        ("5-MeO-DMT", "5meo-dmt"),
        ("5-MeO-DMT", "5 meo dmt"),
        ("4fmph", "4-fmph"),
        ("\u03b1-PVP", "alpha-pvp"),
        ("\u03b1-PVP", "apvp"),
        ("\u03948-THC", "delta8-thc"),
    ],
)
def test_a_chemical_name_is_known_in_its_other_spellings(surface: str, written: str) -> None:
    assert written in {fold(form) for form in spellings(surface, chemical=True)}


@pytest.mark.parametrize(("surface", "plain_text"), [("7-OH", "7 oh"), ("3-FA", "3 fa"), ("\u03b1-PPP", "a ppp")])
def test_a_spelling_that_is_plain_text_is_left_out(surface: str, plain_text: str) -> None:
    assert plain_text not in {fold(form) for form in spellings(surface, chemical=True)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("K\u00e9ta", "keta"),
        ("zio\u0142o", "ziolo"),
        ("\u041c\u0451\u0434", "\u043c\u0435\u0434"),
        ("\u0439\u043e\u0434", "\u0439\u043e\u0434"),
        ("2\u20113", "2-3"),
        ("\u0130", "i"),
    ],
)
def test_the_fold_keeps_the_length(text: str, expected: str) -> None:
    assert fold(text) == expected
    assert len(fold(text)) == len(text)
