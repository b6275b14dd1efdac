"""What a goal is and how it is written: `max recall @ precision >= 0.9 @ prevalence 0.003`.

`max|min MEASURE`, then after each @ a limit or a fact of the stream. Shares are `0.9`, `90 %` or `2.6/10000`,
counts `500`, `2m` or `1e6`; case and spaces do not matter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SIGNS = {"recall": ">=", "false_flags": "<=", "reviews": "<=", "precision": ">="}
"""Which way each measure is limited, in the order in which limits are tried."""
BEST = {"recall": "max", "precision": "max", "reviews": "min", "false_flags": "min"}
AGAINST = {  # what keeps the best of a measure from being everything or nothing
    "recall": ("precision", "reviews", "false_flags"),
    "precision": ("recall",),
    "reviews": ("recall",),
    "false_flags": ("recall",),
}
EXAMPLES = {"precision": "0.9", "recall": "0.8", "reviews": "500/day", "false_flags": "2.6/10000"}
WANTED = "wanted such as 'max recall @ precision >= 0.9 @ prevalence 0.003'"
SCALES = {"": 1.0, "k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6}

_MEASURE = r"(recall|precision|reviews|false[ _-]?flags)"
_OBJECTIVE = re.compile(rf"(max|min) {_MEASURE}(?: ?/ ?day| (?:a|per) day)?")
_LIMIT = re.compile(rf"{_MEASURE} ?([<>=]*) ?(.*)")
_PREVALENCE = re.compile(r"prevalence ?=? ?(.*)")
_POSTS = re.compile(r"(.*?) ?posts ?(?:/| a | per ) ?day")
_PER_DAY = re.compile(r"(.*?) ?(?:/| a | per ) ?day")
_SHARE = re.compile(r"([^ %/]+) ?(?:(%)|/ ?(.+))?")
_NUMBER = re.compile(r"(\d{1,3}(?:[,_]\d{3})+|\d+(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+) ?(k|thousand|m|million|)")


class GoalError(ValueError):
    """A goal was not understood; the message names the part, and what was wanted."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a threshold is to reach: the best of `measure` within the limits; shares, and `reviews` a day.

    A `prevalence` of `None` is the policy's own.
    """

    words: str
    measure: str
    recall: float | None = None
    precision: float | None = None
    reviews: float | None = None
    false_flags: float | None = None
    prevalence: float | None = None
    posts_per_day: float | None = None


def parse_goal(words: str) -> Goal:
    """Read a goal in words; `GoalError` when it is not one or contradicts itself."""
    first, *rest = (_tidy(part) for part in words.split("@"))
    measure = _objective(first)
    found: dict[str, float] = {}
    for part in rest:
        name, value = _fact(part)
        if name in found:
            raise GoalError(f"{part!r}: {name} stands twice, wanted once")
        found[name] = value
    goal = Goal(" ".join(words.split()), measure, **found)
    _refuse_contradictions(goal)
    return goal


def _tidy(part: str) -> str:
    return " ".join(part.lower().replace("≥", ">=").replace("≤", "<=").split())


def _objective(part: str) -> str:
    match = _OBJECTIVE.fullmatch(part)
    if not match:
        measures = ", ".join(f"{best} {measure}" for measure, best in BEST.items())
        raise GoalError(f"{part!r}: wanted one of {measures} first, {WANTED}")
    measure = _name(match[2])
    if match[1] != BEST[measure]:
        raise GoalError(f"{part!r}: wanted {BEST[measure]} {measure}")
    return measure


def _fact(part: str) -> tuple[str, float]:
    """Read what stands after an @ as the name of a field of `Goal` and its value."""
    if match := _PREVALENCE.fullmatch(part):
        return "prevalence", _share(match[1], part, "prevalence 0.003 or prevalence 0.3 %")
    if match := _POSTS.fullmatch(part):
        return "posts_per_day", _count(match[1], part, "2000000 posts/day")
    if match := _LIMIT.fullmatch(part):
        return _limit(_name(match[1]), match[2], match[3], part)
    raise GoalError(
        f"{part!r}: wanted a limit ({_limits(SIGNS)}), a prevalence (prevalence 0.003) or 2000000 posts/day"
    )


def _limit(name: str, sign: str, amount: str, part: str) -> tuple[str, float]:
    wanted = f"{name} {SIGNS[name]} {EXAMPLES[name]}"
    if sign != SIGNS[name]:
        raise GoalError(f"{part!r}: wanted {SIGNS[name]}, as in {wanted}")
    if name == "reviews":
        match = _PER_DAY.fullmatch(amount)
        return name, _count(match[1] if match else "", part, wanted)
    return name, _share(amount, part, wanted, whole=name == "recall")


def _share(amount: str, part: str, wanted: str, *, whole: bool = False) -> float:
    """Read `0.9`, `90 %` or `9/10`; all of a thing is a share only where `whole` says so."""
    match = _SHARE.fullmatch(amount)
    if not match:
        raise GoalError(f"{part!r}: wanted {wanted}")
    value = _count(match[1], part, wanted) / (100 if match[2] else _count(match[3] or "1", part, wanted))
    if not (0 < value < 1 or (whole and value == 1)):
        ends = "over 0 and at most 1" if whole else "between 0 and 1"
        raise GoalError(f"{part!r}: found {value:g}, wanted a share {ends}, as in {wanted}")
    return value


def _count(amount: str, part: str, wanted: str) -> float:
    match = _NUMBER.fullmatch(amount)
    value = float(match[1].replace(",", "").replace("_", "")) * SCALES[match[2]] if match else 0.0
    if value <= 0:
        raise GoalError(f"{part!r}: wanted {wanted}")
    return value


def _refuse_contradictions(goal: Goal) -> None:
    if all(getattr(goal, limit) is None for limit in AGAINST[goal.measure]):
        against = _limits(AGAINST[goal.measure])
        raise GoalError(f"{goal.words!r}: nothing limits {BEST[goal.measure]} {goal.measure}, wanted {against}")
    if goal.posts_per_day is None and (goal.measure == "reviews" or goal.reviews is not None):
        raise GoalError(
            f"{goal.words!r}: reviews are counted a day, wanted also how many posts, as in 2000000 posts/day"
        )
    if goal.reviews is not None and goal.posts_per_day is not None and goal.reviews >= goal.posts_per_day:
        raise GoalError(
            f"{goal.words!r}: {goal.reviews:g} reviews are all of {goal.posts_per_day:g} posts, wanted fewer"
        )


def _limits(names: tuple[str, ...] | dict[str, str]) -> str:
    return " or ".join(f"{name} {SIGNS[name]} {EXAMPLES[name]}" for name in names)


def _name(words: str) -> str:
    return words.replace("false ", "false_").replace("false-", "false_").replace("falseflags", "false_flags")
