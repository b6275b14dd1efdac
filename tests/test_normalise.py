from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.normalise import Normalised, normalise


def read(text: str) -> Normalised:
    return normalise([text])[0]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("k.e.t", "ket"),
        ("m d m a", "mdma"),
        ("c-o-k-e", "coke"),
        ("k_e_t", "ket"),
        ("k*e*t", "ket"),
        ("k . e . t", "ket"),
        ("m.d.m.a. here", "mdma. here"),
        ("fresh k e t a m i n e for sale", "fresh ketamine for sale"),
        ("4-m-m-c", "4-mmc"),
        ("S P E E D", "SPEED"),
        ("k3tamine", "ketamine"),
        ("K3TAMINE", "KETAMINE"),
        ("#c0ca1ne", "#cocaine"),
        ("x4nax", "xanax"),
        ("m3th", "meth"),
        ("w33d and c0k3", "weed and coke"),
        ("h3r01n", "heroin"),
        ("mo1ly p1lls", "molly pills"),
        ("p!lls", "pills"),
        ("x@nax", "xanax"),
        ("$peed", "speed"),
        ("pill$", "pills"),
        ("@cid", "acid"),
        ("c\u043ec\u0430ine", "cocaine"),
        ("\u043a\u0435tamine", "ketamine"),
        ("\u039aETAMINE", "KETAMINE"),
        ("\u0441\u043e\u0441\u0435 for sale here", "coce for sale here"),
        ("k\u0251t", "kat"),
        ("м\u0435ф\u0435дp\u043e\u043d", "мефедрон"),
        ("\u043a\u0435\u0442a\u043c\u0438\u043d", "кетамин"),
        ("k\u200bet", "ket"),
        ("k\u2060e\u200dt", "ket"),
        ("k\U000e0065et", "ket"),
        ("k\u0336e\u0336t\u0336", "ket"),
        ("k\u0321\u0322\u0340et\u0335\u0336", "ket"),
        ("\U0001d55cet", "ket"),
        ("\U0001f1f0\U0001f1ea\U0001f1f9", "KET"),
        ("\U0001f1f0 \U0001f1ea \U0001f1f9", "KET"),
        ("\U0001f17f\ufe0fercs", "Percs"),
    ],
)
def test_a_disguise_is_undone_and_marked(text: str, plain: str) -> None:
    found = read(text)
    assert found.text == plain
    assert found.is_disguised(0, len(plain))


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("\uff4b\uff45\uff54", "ket"),
        ("\U0001d5de\U0001d5d8\U0001d5e7", "KET"),
        ("\u24da\u24d4\u24e3", "ket"),
        ("\u1d4f\u1d49\u1d57", "ket"),
        ("\u1d0b\u1d07\u1d1b", "ket"),
        ("\U0001f17a\U0001f174\U0001f183", "KET"),
        ("ke\u00adtamine", "ketamine"),
        ("keeetamine", "ketamine"),
        ("weeeed cokeeee freee", "weed coke free"),
        ("caf\u0065\u0301", "caf\u00e9"),
        ("10\u00a0\u20ac", "10 \u20ac"),
        ("2\u2011MMC", "2-MMC"),
        ("3\ufe0f\u20e3", "3"),
        ("\u2764\ufe0f", "\u2764"),
        ("\ufeffket", "ket"),
    ],
)
def test_typography_is_undone_without_a_mark(text: str, plain: str) -> None:
    found = read(text)
    assert found.text == plain
    assert not any(found.disguised)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "11.16.0",
            "v2.0.1",
            "192.168.0.1",
            "1.0.0",
            "10:30",
            "24/7",
            "100US$",
            "1,4-BDO",
            "10 000 kr",
            "1\u00bd 10\u00b2",
        ),
        *(
            "e.g.",
            "U.S.A.",
            "a.m.",
            "i.e.",
            "a.k.a",
            "w.r.t.",
            "s.r.o.",
            "z. B.",
            "o.s.v.",
            "т.е. и т.д.",
            "J. R. R. Tolkien",
        ),
        *(
            "r2d2",
            "mp3",
            "mp3s",
            "b2b",
            "h2o",
            "covid19",
            "H1N1",
            "s01e03",
            "ps4pro",
            "SW1A 1AA",
            "room4rent",
            "Happy4th",
        ),
        *("50mg", "m30", "2cb", "2C-B", "4-MMC", "3mmc", "1P-LSD", "U-47700", "HU-210", "AM2201", "5F-ADB", "diabetes"),
        *(
            "MDMB-4en-PINACA",
            "\u03b1-PVP",
            "\u03b1PVP",
            "100\u03bcg",
            "Xanax\u2122",
            "n\u00ba 1\u00ba 2\u00aa",
            "it\u00b4s",
        ),
        *(
            "a i o u w z",
            "я и ты",
            "y a e o",
            "A B C D",
            "a-b-c",
            "S M L XL",
            "W A S D",
            "b-b-but",
            "e m",
            "č š ž ř ů ł ß",
        ),
        *("www", "XXXL", "XVIII", "IEEE", "СССР", "Die Schifffahrt ist lang", "dQw4w9WgXcQ", "lunch@noon", "wow!nice"),
        *(
            "https://example.org/x4nax?k=k.e.t",
            "joe.m3th@example.org",
            "t.me/x4nax",
            "@sn1per",
            "cashapp $tomas",
            "$tsla",
        ),
        *("SMSка и DJу", "Ελλάδα αβγ", "Москва", "\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7", "\U0001f17f now"),
        *("\U0001f468\u200d\U0001f469\u200d\U0001f467", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
    ],
)
def test_an_innocent_text_stays(text: str) -> None:
    found = read(text)
    assert found.text == text
    assert not any(found.disguised)


@pytest.mark.parametrize(
    "text",
    [
        "The weather was lovely, so we walked to the harbour and ate at a small place I know.",
        "Wir fuhren über die Straße zum Bahnhof; z. B. für 3,50 € pro Person, so gegen 10:30 Uhr.",
        "L’été dernier, nous étions à la plage… « quelle journée », dit-elle, à 10 h.",
        "¿Quién viene mañana? El niño comió 2 ó 3 plátanos; ¡qué risa!",
        "Perché no? È già lì, più o meno; l’università è chiusa.",
        "Zij zei: ’s ochtends fietsen we naar de zee, één of twee keer.",
        "W piątek o 8 i w sobotę z rana – żółć, źdźbło, a i tak się uda.",
        "Amanhã à noite não há pão; é só às 2.ª e 3.ª feiras.",
        "Я и ты поедем в Москву, а у неё ещё нет билета; подъезд № 5.",
        "Åsa och Örjan åker på fredag kväll, t.ex. till sjön på ön.",
        "Příští týden přijede švagr s rodinou; v úterý a k večeru, z Brna.",
    ],
)
def test_ordinary_text_of_each_language_stays(text: str) -> None:
    assert read(text).text == text
    assert not any(read(text).disguised)


def test_offsets_lead_back_to_the_disguise() -> None:
    found = read("\U0001f525 k.e.t \U0001f525 c\u043eke")
    start = found.text.index("ket")
    assert found.to_original(start, start + 3) == (2, 7)
    assert found.is_disguised(start, start + 3)
    assert not found.is_disguised(0, start)
    assert found.to_original(len(found.text), len(found.text)) == (14, 14)


@pytest.mark.parametrize("text", ["", "\ud800", "\u0301" * 50, "k" * 10_000, "\u200b" * 10_000, "a." * 5_000, "\x00"])
def test_nothing_raises(text: str) -> None:
    assert len(read(text).text) <= len(text)


SPICE = st.sampled_from(
    [*"aketКоеα01345@$!. -_*\u200b\u200d\ufe0f\u0301\u0336\u00ad\u24c2\U0001f17f\U0001f1f0\U0001f1ea"]
)
TEXTS = st.one_of(st.text(), st.text(SPICE, max_size=25), st.text(st.characters(codec=None), max_size=30))


@settings(deadline=None, max_examples=400)
@given(TEXTS)
def test_offsets_are_in_range_and_in_order_and_a_second_reading_finds_nothing(text: str) -> None:
    found = read(text)
    assert len(found.text) == len(found.starts) == len(found.ends) == len(found.disguised)
    assert all(0 <= start < end <= len(text) for start, end in zip(found.starts, found.ends, strict=True))
    assert all(a <= b for a, b in pairwise(found.starts))
    assert all(a <= b for a, b in pairwise(found.ends))
    start, end = found.to_original(0, len(found.text))
    assert 0 <= start <= end <= len(text)
    assert len(found.text) <= 18 * len(text)  # the longest expansion of NFKC
    assert read(found.text).text == found.text
