"""Fragments of posts in one language: frames that a post is put together of, and words that fill their slots.

`pools/LANG.toml` (and `LANG2.toml`, ...) hold two tables of lists: `frames`, named by what they do in a post, and
`fill`. A frame may hold slots (`{slang}`) and marks of what is said in words (`{payment:btc only}`). Tags before a
fragment, `[gb ie] ` or `[food] `, say where alone it fits: in these countries, with this form of a drug, these goods.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from training.generator.trade import COUNTRIES, GROUPS

POOLS = Path(__file__).parent / "pools"
FRAMES = (
    *("open", "offer", "coded", "menu_line", "goods", "goods_line", "quality_drug", "quality_goods", "price"),
    *("price_goods", "ship", "pay", "contact", "order", "close", "vouch", "route", "recruit_drug", "recruit_hidden"),
    *("recruit_pay", "job", "job_pay", "seek", "alert", "advice", "recovery", "warn_quote", "quoting", "counter"),
    *("news", "science", "talk", "worry", "ask", "homonym", "denial", "play", "crime", "filler"),
)
FILL = ("substance", "slang", "cover", "emoji", "medicine", "good", "place", "time")
SLOTS = (*FILL, "price", "quantity", "contact", "quote")
MARKS = ("payment", "shipping", "contact")
MANNERS: Sequence[tuple[str, int]] = (
    *(("telegram", 5), ("x", 5), ("instagram", 4), ("snapchat", 3), ("reddit", 3), ("discord", 3), ("forum", 3)),
    *(("tiktok", 2), ("youtube", 2), ("classified", 2), ("bio", 1)),
)
"""Where a post stands, and how often of 33."""
TAGS = re.compile(r"^\[([a-z]+(?: [a-z]+)*)\] ")
KINDS = frozenset({*(tag for group in GROUPS[1:] for tag in group)})
DEVELOPMENT = 0.15
"""Share of all frames and words that only the development part uses."""


class PoolError(ValueError):
    """A pool does not hold what it must; the message names the file, the list and the fragment."""


@dataclass(frozen=True, slots=True, eq=False)
class Pools:
    """The frames and the words of one language, in the order of their files."""

    lang: str
    frames: Mapping[str, Sequence[str]]
    fill: Mapping[str, Sequence[str]]

    def part(self, *, development: bool, banned: re.Pattern[str]) -> Pools:
        """Keep the fragments of one part, without those that hold a word kept for the test.

        Of each list the fragments of the lowest hashes are kept for development: a share of it, two at least.
        """

        def kept(fragments: Sequence[str]) -> list[str]:
            allowed = [each for each in fragments if not banned.search(each.casefold())]
            held = set(sorted(allowed, key=place)[: max(2, round(DEVELOPMENT * len(allowed)))])
            return [each for each in allowed if (each in held) == development]

        return Pools(
            self.lang,
            {name: kept(each) for name, each in self.frames.items()},
            {name: kept(each) for name, each in self.fill.items()},
        )

    @lru_cache(maxsize=512)  # noqa: B019 -- a few pools a run, each of them kept anyway
    def fitting(self, scene: frozenset[str]) -> Pools:
        """Keep the fragments that fit a scene's tags, without their own; a list that none fits stays whole."""

        def kept(fragments: Sequence[str]) -> list[str]:
            return [bare_of_tags(each) for each in [f for f in fragments if fits(f, scene)] or fragments]

        return Pools(
            self.lang,
            {name: kept(each) for name, each in self.frames.items()},
            {name: kept(each) for name, each in self.fill.items()},
        )


def tags_of(fragment: str) -> frozenset[str]:
    """Read the tags before a fragment; what names a medicine is about pills."""
    found = TAGS.match(fragment)
    tags = frozenset(found.group(1).split()) if found else frozenset()
    return tags | {"pill"} if "{medicine}" in fragment else tags


def bare_of_tags(fragment: str) -> str:
    """Take the tags off a fragment."""
    return TAGS.sub("", fragment)


def fits(fragment: str, scene: frozenset[str]) -> bool:
    """Tell whether a fragment has, of each group, no tag or the scene's."""
    tags = tags_of(fragment)
    return all(not tags & group or tags & group & scene for group in GROUPS)


def place(fragment: str) -> float:
    """Give a fragment its place between 0 and 1, by a hash."""
    digest = hashlib.sha256(f"development {fragment.casefold()}".encode()).hexdigest()
    return int(digest[:8], 16) / 2**32


def is_development(name: str) -> bool:
    """Tell whether a substance is named in the development part alone."""
    return place(name) < DEVELOPMENT


def load_pools(folder: Path = POOLS) -> dict[str, Pools]:
    """Read and check the pools of every language; `PoolError` when one is wrong."""
    frames: dict[str, dict[str, list[str]]] = {}
    fill: dict[str, dict[str, list[str]]] = {}
    for path in sorted(folder.glob("*.toml")):
        lang = path.stem.rstrip("0123456789")
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        for name, known, into in (("frames", FRAMES, frames), ("fill", FILL, fill)):
            for key in known:
                fragments = tables.get(name, {}).get(key)
                if not fragments:
                    raise PoolError(f"{path}: no {name}.{key}")
                into.setdefault(lang, {}).setdefault(key, []).extend(fragments)
        for key, fragments in [*tables["frames"].items(), *tables["fill"].items()]:
            for fragment in fragments:
                if fault := fault_of(fragment) or fault_of_tags(fragment, lang):
                    raise PoolError(f"{path}: {key}: {fault} in {fragment!r}")
    return {lang: Pools(lang, frames[lang], fill[lang]) for lang in frames}


def fault_of(frame: str) -> str | None:
    """Say what is wrong with a frame's braces; `None` when nothing is."""
    for inside in re.findall(r"\{([^{}]*)\}", frame):
        kind, colon, words = inside.partition(":")
        if colon and (kind not in MARKS or words != words.strip() or not words):
            return f"the mark {{{inside}}}, wanted one of {', '.join(MARKS)} around words"
        if not colon and kind not in SLOTS:
            return f"the slot {{{inside}}}, wanted one of {', '.join(SLOTS)}"
    rest = re.sub(r"\{[^{}]*\}", "", frame)
    return "a brace without its partner" if "{" in rest or "}" in rest else None


def fault_of_tags(fragment: str, lang: str) -> str | None:
    """Name a tag that is none of the language's countries, the forms and the goods; `None` when there is none."""
    wrong = tags_of(fragment) - KINDS - set(COUNTRIES[lang])
    return f"the tag {min(wrong)!r}" if wrong else None
