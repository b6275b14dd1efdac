"""Corrected marks as a form sends them: ticks that stayed, and words that were typed."""

from __future__ import annotations

from collections.abc import Sequence

from models.verdict import Kind, Verdict
from serving.console.fields import Fields
from serving.problems import Fault, invalid_request
from serving.review.case import Case, Mark


def corrected(fields: Fields, case: Case) -> list[Mark] | None:
    """Give the marks of a form; `None` when they are as they were, so that nothing counts as corrected by looking."""
    marks = _ticked(fields, case)
    if marks is None:
        return None
    said = case.standing
    before = list(said.spans) if said and said.spans is not None else _found(case.verdict)
    return None if set(marks) == set(before) else marks


def _ticked(fields: Fields, case: Case) -> list[Mark] | None:
    """Read the marks of a form, in the order of the text; `None` when the form had none to tick."""
    if "marks_shown" not in fields or case.text is None:
        return None
    marks = [_mark(value) for value in fields.all("keep")]
    if typed := fields.word("add_text"):
        marks += _typed(typed, fields.word("add_kind"), case.text)
    return sorted(set(marks), key=lambda mark: (mark.start, mark.end, mark.kind))


def _mark(value: str) -> Mark:
    start, _, rest = value.partition(":")
    end, _, kind = rest.partition(":")
    if not (start.isdecimal() and end.isdecimal() and len(value) < 40 and kind in set(Kind)):
        raise invalid_request([Fault("#/spans", "a mark cannot be read")])
    return Mark(int(start), int(end), kind)


def _typed(words: str, kind: str, text: str) -> Sequence[Mark]:
    """Find words that were typed, wherever they stand."""
    if kind not in set(Kind):
        raise invalid_request([Fault("#/spans", "say what the words are")])
    starts, at = [], text.find(words)
    while at >= 0:
        starts.append(at)
        at = text.find(words, at + len(words))
    if not starts:
        raise invalid_request([Fault("#/spans", "these words do not stand in the text: copy them as they are there")])
    return [Mark(start, start + len(words), kind) for start in starts]


def _found(verdict: Verdict | None) -> list[Mark]:
    return [Mark(span.start, span.end, span.kind.value) for span in verdict.spans] if verdict else []
