"""Compose posts: `python -m training.generator.generate data_cards/npsight_posts` writes its generated parts anew.

The same pools, lexicon and seed give the same bytes. Each post has its own random numbers, so one more post moves no
other.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.lexicon import Lexicon
from models.neardup import groups
from models.release import DEFAULT_RELEASE, LEXICON
from models.verdict import ADVERT_INTENTS, Intent
from training.authored import stamp_parts
from training.corpus import Row
from training.corpus_checks_identity import contacts_of
from training.generator.fillers import Words, bare, words_of
from training.generator.pools import MANNERS, Pools, load_pools
from training.generator.scenes import SCENES, TERMS, Draft, Teller
from training.held_out import held_out_words, whole_words
from training.markup import compile_markup

SEED = 20261124
POSTS: Mapping[str, int] = {"en": 3700} | dict.fromkeys(
    ("de", "fr", "es", "it", "nl", "pl", "pt", "ru", "sv", "cs"), 560
)
"""Posts of the training part in each language; the development part has a tenth as many."""
SHORT_FORMS: Mapping[str, int] = {"bio": 30, "tiktok": 35, "youtube": 60, "snapchat": 50}
"""Manners that are brief, in words: a longer draft takes another."""
JOINERS: Mapping[str, Sequence[str]] = {
    "telegram": ("\n", "\n", " ", "\n\n"),
    "instagram": (" ", " ", "\n", "\n\n"),
    "bio": (" | ", " · ", "\n"),
    "x": (" ", " ", "\n"),
    "snapchat": (" ", " ", "\n"),
}
LONGEST = 200  # words


@dataclass(frozen=True, slots=True)
class Part:
    """One generated file: which fragments it may use and how many posts it wants."""

    name: str
    development: bool
    posts: Mapping[str, int]


PARTS = (
    Part("generated", development=False, posts=POSTS),
    Part("dev", development=True, posts={lang: number // 10 for lang, number in POSTS.items()}),
)


def generate(
    part: Part, pools: Mapping[str, Pools], lexicon: Lexicon, *, banned: re.Pattern[str]
) -> list[dict[str, Any]]:
    """Compose a part's posts in every language that has pools."""
    rows = []
    for lang, number in part.posts.items():
        if lang in pools:
            words = words_of(
                pools[lang].part(development=part.development, banned=banned),
                lexicon,
                development=part.development,
                banned=banned,
            )
            rows += unlike(composed(part.name, words), number)
    return rows


def composed(part: str, words: Words) -> Iterator[list[dict[str, Any]]]:
    """Compose scene after scene, without end; each gives its posts as compiled rows."""
    scenes, weights = zip(*SCENES, strict=True)
    number = 0
    while True:
        number += 1
        name = f"{'g' if part == 'generated' else 'd'}-{words.pools.lang}-{number:05d}"
        rng = random.Random(f"{SEED} {name}")
        drafts = rng.choices(scenes, weights)[0](Teller(words.settled(rng), rng))
        pair = f"{name}-p" if len(drafts) > 1 else None
        yield [
            row(f"{name}{letter}", words.pools.lang, draft, pair, rng)
            for letter, draft in zip("abc", drafts, strict=False)
        ]


def row(id_: str, lang: str, draft: Draft, pair: str | None, rng: random.Random) -> dict[str, Any]:
    """Put a manner on a draft and compile its marks."""
    words = sum(len(piece.split()) for piece in draft.pieces)
    fitting = [(name, weight) for name, weight in MANNERS if words <= SHORT_FORMS.get(name, LONGEST)]
    names, weights = zip(*(fitting or MANNERS), strict=True)
    manner = rng.choices(names, weights)[0]
    marked = dressed(draft, manner, rng)
    offers = Intent(draft.intent) in ADVERT_INTENTS
    text, spans = compile_markup(marked if offers else bare(marked, kinds=TERMS))
    listed = [
        {"start": span.start, "end": span.end, "kind": str(span.kind), "obfuscated": span.obfuscated} for span in spans
    ]
    return {
        "id": id_,
        "lang": lang,
        "intent": draft.intent,
        "manner": manner,
        "pair": pair,
        "text": text,
        "spans": listed,
    }


def dressed(draft: Draft, manner: str, rng: random.Random) -> str:
    """Join the pieces as people write there: in lines or in one, with capitals or without."""
    pieces = [piece.strip() for piece in draft.pieces if piece.strip()]
    text = joined(pieces, "\n" if draft.lines else rng.choice(JOINERS.get(manner, (" ",))), rng)
    if manner in SHORT_FORMS and rng.random() < 0.5:
        text = lowered(text)
    if rng.random() < 0.3:
        text = re.sub(r"\.$", "", text)
    return text


def joined(pieces: Sequence[str], joiner: str, rng: random.Random) -> str:
    """Join pieces; where only a space parts them, end a piece that has no end of its own."""
    if joiner != " ":
        return joiner.join(pieces)
    ended = [
        piece if re.search(r"[\W_]$", bare(piece)) else piece + rng.choice((".", ".", ".", "!"))
        for piece in pieces[:-1]
    ]
    return joiner.join([*ended, pieces[-1]])


def lowered(marked: str) -> str:
    """Write without capitals, as thumbs do; the words inside marks that hide something stay as they are."""
    return "".join(part if part.startswith("{") else part.lower() for part in re.split(r"(\{[^{}]*\})", marked))


def unlike(scenes: Iterator[list[dict[str, Any]]], number: int) -> list[dict[str, Any]]:
    """Take scenes until there are so many posts, without those that copy an earlier one or are too long."""
    taken: list[dict[str, Any]] = []
    while len(taken) < number:
        fresh = [next(scenes) for _ in range(max(20, (number - len(taken)) // 2))]
        fresh = [scene for scene in fresh if all(publishable(post) for post in scene)]
        posts = taken + [post for scene in fresh for post in scene]
        numbers = groups([post["text"] for post in posts]).tolist()
        seen = set(numbers[: len(taken)])
        at = len(taken)
        for scene in fresh:
            own = set(numbers[at : at + len(scene)])
            at += len(scene)
            if not own & seen and len(taken) + len(scene) <= number + 1:
                taken += scene
                seen |= own
    return taken


def publishable(post: dict[str, Any]) -> bool:
    """Tell whether a post is not too long and holds nothing that chance made look like somebody's number."""
    if len(post["text"].split()) > LONGEST:
        return False
    found = Row(post["id"], post["text"], frozenset({Intent(post["intent"])}), "generated", lang=post["lang"])
    return not any(contacts_of(found))


def banned_words(folder: Path) -> re.Pattern[str]:
    """Read the words that only the test part may hold, as one pattern that finds them whole in casefolded text."""
    return whole_words(held_out_words(folder))


def main(folder: Path) -> dict[str, int]:
    """Write the generated parts and stamp their card."""
    pools, lexicon, banned = load_pools(), Lexicon.load(DEFAULT_RELEASE / LEXICON), banned_words(folder)
    for part in PARTS:
        rows = generate(part, pools, lexicon, banned=banned)
        lines = [json.dumps(each, ensure_ascii=False) + "\n" for each in rows]
        (folder / f"{part.name}.jsonl").write_text("".join(lines), encoding="utf-8")
    return stamp_parts(folder)


if __name__ == "__main__":
    print(main(Path(sys.argv[1])))
