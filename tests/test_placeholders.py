from __future__ import annotations

import random
import re

import pytest

from training.placeholders import INVENTORS, PLACEHOLDER, fill, invent

MASKS = ("<CONTACT>", "<VENDOR>", "<PHONE>", "<URL>", "<EMAIL>", "<PGP>", "<TIME>", "<DECIMAL>", "@user", "http")
SHAPES = {
    "<PHONE>": r"\+44 7700 900\d{3}|07700 900\d{3}|\+1 555 01\d{2}|555-01\d{2}",
    "<URL>": r"https://[\w.]+\.example(/\w+)?",
    "http": r"https://[\w.]+\.example(/\w+)?",
    "<EMAIL>": r"[\w.]+@example\.(com|net|org)",
    "<TIME>": r"\d{1,2}:\d{2}",
    "<DECIMAL>": r"\d{1,2}\.\d{1,2}",
    "@user": r"@[\w.]+",
}


@pytest.mark.parametrize("mask", MASKS)
def test_a_mask_is_dropped_or_becomes_a_contact_of_its_kind(mask: str) -> None:
    filled = [fill(f"write {mask} now", random.Random(seed)) for seed in range(200)]
    assert all(text.startswith("write ") and text.endswith(" now") for text in filled)
    inside = [text.removeprefix("write ").removesuffix(" now") for text in filled]
    assert 30 < inside.count("") < 90  # three of ten vanish
    assert not any(PLACEHOLDER.search(text) for text in inside)
    if mask in SHAPES:
        assert all(re.fullmatch(SHAPES[mask], text) for text in inside if text)


@pytest.mark.parametrize(
    "text",
    [
        "plain words",
        "https://a.example/b",
        "see http://a.example",
        "<b>bold</b>",
        "@username",
        "<CONTACTS>",
    ],
)
def test_what_is_no_mask_stays(text: str) -> None:
    assert all(fill(text, random.Random(seed)) == text for seed in range(20))


def test_every_mask_of_a_text_is_filled_apart() -> None:
    texts = {fill("<URL> <URL> <URL> <URL>", random.Random(seed)) for seed in range(50)}
    assert any(len(set(text.split())) > 1 for text in texts)


def test_the_same_seed_gives_the_same_text() -> None:
    text = " ".join(MASKS)
    assert fill(text, random.Random(3)) == fill(text, random.Random(3)) != fill(text, random.Random(4))


def test_contacts_are_only_those_reserved_for_examples() -> None:
    for seed in range(500):
        contact = invent("<CONTACT>", random.Random(seed))
        if "://" in contact:
            assert contact.endswith(".example")
        elif re.search(r"\w@\w", contact):
            assert contact.endswith("@example.com")
        elif re.fullmatch(r"[+\d -]+", contact):
            assert re.fullmatch(SHAPES["<PHONE>"], contact)


def test_each_mask_is_known_to_the_pattern() -> None:
    assert all(PLACEHOLDER.fullmatch(mask) for mask in (*INVENTORS, "<CONTACT>"))
