"""What a tested detector says, in one form: flagged or not and, where it says so, the intent and the probability."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from models.verdict import ADVERT_INTENTS, INTENTS, Decision, Detect, Intent, Post, Verdict
from training.evaluation.measure import intent_said

WANTED = "True or False, a probability as a float, advert, not_advert or an intent, a Verdict, or a dict of these"


class TargetError(ValueError):
    """A target cannot be opened or its answers cannot be read; the text says what was found and wanted."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a target says of one post; `None` where it says nothing of the intent or the probability."""

    flag: bool
    intent: Intent | None = None
    probability: float | None = None


Judge = Callable[[Sequence[Post]], list[Answer]]


@dataclass(frozen=True, slots=True)
class Target:
    """Something that can be tested, under the name that its scorecard bears."""

    name: str
    judge: Judge


def judge_with(detect: Detect) -> Judge:
    """Let a detector of ours answer."""
    return lambda posts: [from_verdict(verdict) for verdict in detect(posts)]


@contextmanager
def named(name: str) -> Iterator[None]:
    """Put a target's name before what is wrong with it."""
    try:
        yield
    except TargetError as error:
        raise TargetError(f"{name}: {error}") from error


def from_verdict(verdict: Verdict) -> Answer:
    """Read a verdict: its flag is the policy's, its intent the likeliest on the side that the flag takes."""
    return Answer(verdict.decision != Decision.ALLOW, Intent(intent_said(verdict)), verdict.advert_probability)


def read_answer(value: object, *, threshold: float = 0.5) -> Answer:
    """Read what a function gave for one text; `TargetError` names what came back if it is none of the forms."""
    match value:
        case Answer():
            return value
        case Verdict():
            return from_verdict(value)
        case bool() | np.bool_():
            return _from_flag(value)
        case float() | np.floating():  # no int: 1 may be a probability, a label or the place of an intent
            return _from_probability(value, threshold)
        case str():
            return _from_label(value)
        case Mapping():
            return _from_fields(value, threshold)
    raise _unreadable(value)


def _from_probability(value: Any, threshold: float) -> Answer:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 <= value <= 1:
        raise TargetError(f"found the probability {reprlib.repr(value)}, wanted a number from 0 to 1")
    return Answer(bool(value >= threshold), probability=float(value))


def _from_flag(flag: Any) -> Answer:
    if not isinstance(flag, bool | np.bool_):
        raise TargetError(f"found the flag {reprlib.repr(flag)}, wanted True or False")
    return Answer(bool(flag))


def _from_label(label: Any) -> Answer:
    if label in ("advert", "not_advert"):
        return Answer(label == "advert")
    if not isinstance(label, str) or label not in set(INTENTS):
        wanted = ", ".join(["advert", "not_advert", *INTENTS])
        raise TargetError(f"found the label {reprlib.repr(label)}, wanted one of {wanted}")
    return Answer(Intent(label) in ADVERT_INTENTS, Intent(label))


def _from_fields(fields: Mapping[Any, Any], threshold: float) -> Answer:
    """Read a dict of flag, probability and intent, of which each may be missing: the flag follows the first given."""
    read: dict[str, Callable[[Any], Answer]] = {
        "flag": _from_flag,
        "probability": partial(_from_probability, threshold=threshold),
        "intent": _from_label,
    }
    given = {name: value for name, value in fields.items() if value is not None}
    if not given or not given.keys() <= read.keys():
        raise _unreadable(fields)
    said = [read[name](given[name]) for name in read if name in given]
    intent = next((each.intent for each in said if each.intent), None)
    probability = next((each.probability for each in said if each.probability is not None), None)
    return Answer(said[0].flag, intent, probability)


def _unreadable(value: object) -> TargetError:
    return TargetError(f"found {reprlib.repr(value)} ({type(value).__name__}), wanted {WANTED}")
