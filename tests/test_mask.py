import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.mask import mask

KEY = b"a key for tests"


def masked(text: str, key: bytes = KEY) -> str:
    return mask([text], key=key)[0]


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("write @quiet_Fox9 now", r"write @[a-z]{5}_[A-Z][a-z]{2}\d now"),
        ("mail joe.doe@corner.example.org", r"mail [a-z]{3}\.[a-z]{3}@[a-z]{6}\.[a-z]{7}\.org"),
        ("see https://t.me/quietfox", r"see https://t\.me/[a-z]{8}"),
        ("see www.corner-shop.co.uk/a1", r"see www\.[a-z]{6}-[a-z]{4}\.co\.uk/[a-z]\d"),
        ("call +44 7700 900123, ok", r"call \+44 \d{4} \d{6}, ok"),
        ("call 07700 900123", r"call 0\d{4} \d{6}"),
        ("call (310) 555-0123", r"call \(\d{3}\) \d{3}-\d{4}"),
        ("тел. 8 912 000-00-11", r"тел\. 8 \d{3} \d{3}-\d\d-\d\d"),
        ("wickr: quiet.fox", r"wickr: [a-z]{5}\.[a-z]{3}"),
        ("pay 0x" + "0aB1" * 10, r"pay 0x[0-9a-fA-F]{40}"),
        ("pay bc1q" + "09ac" * 9, r"pay bc1[02-9ac-hj-np-z]{37}"),
        ("pay 1" + "BoaT" * 8, r"pay 1[1-9A-HJ-NP-Za-km-z]{32}"),
        ("at " + "ab3d" * 14 + ".onion", r"at [a-z2-7]{56}\.onion"),
        ("ask quietfox#1234", r"ask [a-z]{8}#\d{4}"),
        ("Telegram @ quietfox", r"Telegram @ [a-z]{8}"),
    ],
)
def test_a_contact_becomes_another_of_its_kind_and_length(text: str, pattern: str) -> None:
    found = masked(text)
    assert found != text
    assert re.fullmatch(pattern, found)
    assert len(found) == len(text)


@pytest.mark.parametrize(
    "text",
    [
        "10 g for 50, 1 000 000 000 sold on 2024-01-01 at 10:30",
        "version 11.16.0 at 192.168.0.1, v2.0.1",
        "2C-B, U-47700 and 4-MMC 100mg",
        "amounts 10 20 50 100 250",
        "I use Telegram, the signal-strength is fine",
        "<CONTACT> and @user",
        "@200ug in the old nation.It rained; Snapchat @ Harbour House",
    ],
)
def test_what_is_no_contact_stays(text: str) -> None:
    assert masked(text) == text


def test_one_seller_stays_one_seller() -> None:
    names = [masked(text)[-8:] for text in ("@quietfox", "t.me/quietfox", "https://t.me/quietfox", "@QUIETFOX")]
    assert len({name.casefold() for name in names}) == 1
    assert masked("+44 7700 900123")[4:] == masked("07700 900123")[1:]


def test_another_key_gives_another_pseudonym() -> None:
    assert masked("@quietfox") != masked("@quietfox", b"another key")


@settings(deadline=None)
@given(st.one_of(st.text(st.characters(codec=None)), st.text("ab1+@.:/(- Ωİ0xt", max_size=60)))
def test_length_is_stable_however_often_it_is_masked(text: str) -> None:
    once = masked(text)
    assert len(once) == len(text) == len(masked(once))
    assert once == masked(text)
