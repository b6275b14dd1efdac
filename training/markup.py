"""Inline markup to offsets: `{slang:bars} {price:£20}`, with `!` after the kind when the surface is disguised.

A literal brace cannot be written: posts of our own have none. What does not nest or match is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from models.verdict import Kind, Span

MARK = re.compile(r"\{([a-z]+)(!?):([^{}]*)\}|[{}]")


class MarkupError(ValueError):
    """A marked text is not well formed; the message says where."""


def compile_markup(marked: str) -> tuple[str, list[Span]]:
    """Turn marked text into (text, spans in code points of that text)."""
    text, spans, at = "", [], 0
    for match in MARK.finditer(marked):
        text += marked[at : match.start()]
        kind, disguised, surface = match.groups()
        if kind is None:
            raise MarkupError(f"a brace at {match.start()} opens or closes nothing: marks never nest, and must match")
        if kind not in set(Kind):
            raise MarkupError(f"found the kind {kind!r} at {match.start()}, wanted one of {', '.join(Kind)}")
        if not surface.strip() or surface != surface.strip():
            raise MarkupError(f"found the surface {surface!r} at {match.start()}, wanted words without outer spaces")
        spans.append(Span(len(text), len(text) + len(surface), Kind(kind), surface, obfuscated=bool(disguised)))
        text += surface
        at = match.end()
    return text + marked[at:], spans


def mark(text: str, spans: list[Span]) -> str:
    """Write spans back as markup: the inverse of `compile_markup`."""
    for span in sorted(spans, key=lambda span: -span.start):
        bang = "!" if span.obfuscated else ""
        text = f"{text[: span.start]}{{{span.kind}{bang}:{span.text}}}{text[span.end :]}"
    return text


def compile_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Replace a row's `marked` column by `text` and `spans`."""
    text, spans = compile_markup(row["marked"])
    compiled = {name: value for name, value in row.items() if name != "marked"}
    listed = [
        {"start": span.start, "end": span.end, "kind": str(span.kind), "obfuscated": span.obfuscated} for span in spans
    ]
    return {**compiled, "text": text, "spans": listed}
