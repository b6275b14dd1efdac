"""Fill what a data set masked (`<CONTACT>`, `@user`, ...) with invented contacts, in every class alike.

A mask is commoner in adverts than in life: left in, the network would read the mask.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable

PLACEHOLDER = re.compile(r"<(?:CONTACT|VENDOR|PHONE|URL|EMAIL|PGP|TIME|DECIMAL)>|@user\b|(?<![\w/.])http(?![\w:/])")
DROPPED = 0.3
"""Share of placeholders that vanish, so that a contact's absence says nothing either."""
FIRST = (
    *("amber", "birch", "cinder", "dusk", "ember", "fable", "glint", "hazel", "indigo"),
    *("juniper", "kestrel", "lichen", "maple", "nimbus", "otter", "pebble", "quill"),
)
SECOND = (
    *("arrow", "brook", "cove", "drift", "echo", "fern", "gale", "harbor", "isle", "jade"),
    *("knoll", "lantern", "moss", "north", "opal", "pine", "reed", "slate", "thorn"),
)
APPS = ("telegram", "wickr", "signal", "insta", "snap", "whatsapp", "tg", "session", "discord")


def fill(text: str, rng: random.Random) -> str:
    """Replace each placeholder by an invented contact of its kind, or drop it."""
    return PLACEHOLDER.sub(lambda match: "" if rng.random() < DROPPED else invent(match.group(), rng), text)


def invent(placeholder: str, rng: random.Random) -> str:
    """Invent what a placeholder stood for; domains and numbers are those reserved for examples."""
    return INVENTORS.get(placeholder, contact)(rng)


def contact(rng: random.Random) -> str:
    """Invent a handle, an address, a number or a link."""
    kind = rng.randrange(5)
    if kind == 0:
        return f"@{name(rng)}"
    if kind == 1:
        return f"{rng.choice(APPS)}{rng.choice((': ', ' ', ' @'))}{name(rng)}"
    if kind == 2:
        return f"{name(rng)}@example.com"
    return phone(rng) if kind == 3 else f"https://{name(rng)}.example"


def name(rng: random.Random) -> str:
    """Invent a handle: two words and perhaps a number."""
    tail = rng.choice(("", str(rng.randrange(100)), f"_{rng.randrange(1000)}"))
    return f"{rng.choice(FIRST)}{rng.choice(('', '_', '.'))}{rng.choice(SECOND)}{tail}"


def phone(rng: random.Random) -> str:
    """Invent a number in a range that is reserved for fiction."""
    tail = f"{rng.randrange(1000):03d}"
    return rng.choice((f"+44 7700 900{tail}", f"07700 900{tail}", f"+1 555 01{tail[:2]}", f"555-01{tail[:2]}"))


def link(rng: random.Random) -> str:
    """Invent a link."""
    return f"https://{name(rng)}.example{rng.choice(('', '/' + rng.choice(SECOND)))}"


INVENTORS: dict[str, Callable[[random.Random], str]] = {
    "<PHONE>": phone,
    "<URL>": link,
    "http": link,
    "<EMAIL>": lambda rng: f"{name(rng)}@example.{rng.choice(('com', 'net', 'org'))}",
    "<PGP>": lambda rng: "pgp key in profile",
    "<TIME>": lambda rng: f"{rng.randrange(24)}:{rng.randrange(60):02d}",
    "<DECIMAL>": lambda rng: f"{rng.randrange(100)}.{rng.randrange(100)}",
    "@user": lambda rng: f"@{name(rng)}",
    "<VENDOR>": lambda rng: name(rng).replace("_", rng.choice((" ", "", "_"))),
}
