"""A text cut where its evidence begins and ends, so that a page can mark it without touching the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.verdict import Kind, Span

KIND_WORDS = {
    Kind.SUBSTANCE: "substance",
    Kind.SLANG: "slang",
    Kind.PRICE: "price",
    Kind.QUANTITY: "quantity",
    Kind.CONTACT: "contact",
    Kind.PAYMENT: "payment",
    Kind.SHIPPING: "delivery",
}
SOURCE_WORDS = {"lexicon": "word list", "rule": "rule", "model": "context", "reviewer": "reviewer"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text and what it is evidence of; `kind` is empty where it is none."""

    text: str
    kind: str = ""
    label: str = ""
    title: str = ""


def pieces(text: str, spans: Sequence[Span]) -> list[Piece]:
    """Cut a text at its spans; where two overlap, the one that begins first has the place.

    A carriage return becomes a space: a browser would swallow it, and offsets taken from the page would slip.
    """
    text = text.replace("\r", " ").replace("\0", " ")
    cut, at = [], 0
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if at <= span.start < span.end <= len(text):
            cut += [Piece(text[at : span.start])] if at < span.start else []
            label = KIND_WORDS[span.kind]
            cut.append(Piece(text[span.start : span.end], span.kind.value, label, title(span)))
            at = span.end
    return [*cut, Piece(text[at:])] if at < len(text) else cut


def title(span: Span) -> str:
    """Say in words what a span is, what it stands for and who found it."""
    said = [KIND_WORDS[span.kind]]
    said += [f"stands for {span.term}"] if span.term and span.term.casefold() != span.text.casefold() else []
    said += ["disguised spelling"] if span.obfuscated else []
    return ", ".join([*said, f"found by {SOURCE_WORDS.get(span.source, span.source)}"])
