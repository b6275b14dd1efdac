"""Try it: one pasted post, judged and explained, and judged again with parts of it taken away. Nothing is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from models.detector import Detector
from models.normalise import Normalised, as_written
from models.verdict import Detect, Post, Span, Verdict
from serving.console.fields import Fields
from serving.console.marks import Piece, pieces
from serving.forms import country_fault, lang_fault, text_fault

ID = "try-it"
MAX_LEFT_OUT = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """What the form says."""

    text: str = ""
    policy: str = "default"
    country: str = ""
    lang: str = ""
    written: bool = False
    without: frozenset[tuple[int, int]] = field(default_factory=frozenset)

    def faults(self, policies: Sequence[str], *, longest: int) -> dict[str, str]:
        """Say what is wrong, by field."""
        said = {
            "text": text_fault(self.text)
            or (f"has {len(self.text):,} characters, {longest:,} may be judged" if len(self.text) > longest else None),
            "policy": None if self.policy in policies else "is no policy that is in force",
            "country": country_fault(self.country) if self.country else None,
            "lang": lang_fault(self.lang) if self.lang else None,
        }
        return {name: fault for name, fault in said.items() if fault}

    def post(self, text: str) -> Post:
        """Make the post that is judged."""
        return Post(ID, text, lang=self.lang or None, country=self.country or None)


@dataclass(frozen=True, slots=True)
class Row:
    """One span in the list, and whether it was left out."""

    span: Span
    piece: Piece
    key: str
    left_out: bool


@dataclass(frozen=True, slots=True)
class Tried:
    """The verdict on the post as it came, on it without what was left out, and on it without the normaliser."""

    verdict: Verdict
    pieces: Sequence[Piece]
    rows: Sequence[Row]
    read: Sequence[Piece]
    without: Verdict | None = None
    written: Verdict | None = None


def asked_by(form: Fields) -> Asked:
    """Read the form; a place of a span that is none is passed over."""
    return Asked(
        text=form.get("text", ""),
        policy=form.word("policy") or "default",
        country=form.word("country").upper(),
        lang=form.word("lang"),
        written=form.get("written") == "yes",
        without=frozenset(filter(None, map(_place, form.all("without")[:MAX_LEFT_OUT]))),
    )


def judged(asked: Asked) -> list[Post]:
    """List the posts to judge as they are read by the service: the post, and it with what was left out blanked."""
    blank = blanked(asked.text, asked.without)
    return [asked.post(asked.text), *([asked.post(blank)] if blank != asked.text else [])]


def unread(detect: Detect) -> Detect | None:
    """Give the same detector without its normaliser; None where it is no detector of ours."""
    return replace(detect, normalise=as_written) if isinstance(detect, Detector) else None


def shown(asked: Asked, detect: Detect, verdicts: Sequence[Verdict], written: Verdict | None) -> Tried:
    """Put together what the page shows."""
    verdict = verdicts[0]
    without = asked.without if len(verdicts) > 1 else frozenset()
    rows = [_row(span, without) for span in sorted(verdict.spans, key=lambda span: span.start)]
    read = detect.normalise([asked.text])[0] if isinstance(detect, Detector) else None
    return Tried(
        verdict,
        pieces(asked.text, verdict.spans),
        rows,
        undone(read) if read and read.text != asked.text else [],
        verdicts[1] if len(verdicts) > 1 else None,
        written,
    )


def _row(span: Span, without: frozenset[tuple[int, int]]) -> Row:
    (piece,) = pieces(span.text, [replace(span, start=0, end=len(span.text))])
    return Row(span, piece, f"{span.start}-{span.end}", (span.start, span.end) in without)


def undone(read: Normalised) -> list[Piece]:
    """Cut the text as it is read where disguises were undone."""
    cut: list[Piece] = []
    for at, letter in enumerate(read.text):
        kind = "hidden" if read.disguised[at] else ""
        if cut and cut[-1].kind == kind:
            cut[-1] = replace(cut[-1], text=cut[-1].text + letter)
        else:
            cut.append(Piece(letter, kind))
    return cut


def blanked(text: str, places: frozenset[tuple[int, int]]) -> str:
    """Put spaces for what is left out, so that every other place stays what it was."""
    letters = list(text)
    for start, end in places:
        letters[start:end] = " " * len(letters[start:end])
    return "".join(letters)


def _place(words: str) -> tuple[int, int] | None:
    start, _, end = words.partition("-")
    if not all(word.isascii() and word.isdecimal() and len(word) < 7 for word in (start, end)):
        return None
    return (int(start), int(end)) if int(start) < int(end) else None
