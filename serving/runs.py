"""Judge what several requests ask in as few runs of the network as may be, and let none fail for another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from models.detector import Detector
from models.verdict import Detect, Post, Verdict


class Asked(NamedTuple):
    """Posts, and the detector that is to judge them."""

    detect: Detect
    posts: Sequence[Post]

    def together_with(self, other: Asked) -> bool:
        """Tell whether one reading serves both: the same detector, or one that differs only in its policy."""
        one, another = self.detect, other.detect
        if isinstance(one, Detector) and isinstance(another, Detector):
            return one.reads_as(another)
        return one is another


def judge_together(asked: Sequence[Asked]) -> list[list[Verdict] | Exception]:
    """Answer each asking by its verdicts, or by what failed when it is judged alone."""
    answers: dict[int, list[Verdict] | Exception] = {}
    for places in _groups(asked):
        group = [asked[place] for place in places]
        try:
            judged: list[list[Verdict] | Exception] = list(_in_one_run(group))
        except Exception as error:
            judged = [error] if len(group) == 1 else [_alone(each) for each in group]
        answers |= zip(places, judged, strict=True)
    return [answers[place] for place in range(len(asked))]


def _groups(asked: Sequence[Asked]) -> list[list[int]]:
    groups: list[list[int]] = []
    for place, each in enumerate(asked):
        for group in groups:
            if asked[group[0]].together_with(each):
                group.append(place)
                break
        else:
            groups.append([place])
    return groups


def _in_one_run(group: Sequence[Asked]) -> Iterator[list[Verdict]]:
    """Read all posts at once; then decide each asking's under its own policy."""
    first, posts = group[0].detect, [post for each in group for post in each.posts]
    found: list[Any] = first.read(posts) if isinstance(first, Detector) else first(posts)
    if len(found) != len(posts):
        raise ValueError(f"found {len(found)} verdicts, wanted {len(posts)}")
    start = 0
    for detect, asked in group:
        ours = found[start : start + len(asked)]
        yield detect.decide(asked, ours) if isinstance(detect, Detector) else ours
        start += len(asked)


def _alone(asked: Asked) -> list[Verdict] | Exception:
    try:
        (verdicts,) = _in_one_run([asked])
    except Exception as error:
        return error
    return verdicts
