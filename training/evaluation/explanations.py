"""The deletion test: does a flag rest on what it cites?

The cited words are taken out and the post is judged again; as many other words are taken out for comparison.
What a verdict cites is found beside the network's reading, so nothing but this test ties the two together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from models.terms import overlaps, words
from models.verdict import Decision, Detect, Kind, Post, Span, Verdict
from training.corpus import Row
from training.evaluation.bootstrap import Resamples
from training.evaluation.judged import Bools, Floats, safe_log_odds
from training.evaluation.rates import figure, no_figure, rate, shares
from training.evaluation.run import posts_of
from training.grouping import group_rows

LEAST = 20  # posts; an interval over fewer says nothing
REMOVALS = ("cited", "others", *(kind.value for kind in Kind))
Ranges = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Effects:
    """What each removal did to each post, all (posts, removals); nothing where a removal was not tried."""

    tried: Bools
    fall: Floats  # log-odds of an advert, before less after
    unflagged: Bools


def explanations(
    detect: Detect, rows: Sequence[Row], verdicts: Sequence[Verdict], *, most: int = 300, seed: int = 7
) -> dict[str, Any]:
    """Take the cited words out of up to `most` flagged posts, drawn by the seed, and say what that changed.

    Left out of the rates and counted: posts that cite nothing (`uncited`), of which no word is left (`emptied`),
    and that are not flagged when read a second time (`wavered`).
    """
    flagged = np.array([place for place, verdict in enumerate(verdicts) if verdict.decision != Decision.ALLOW], int)
    if len(flagged) < LEAST:
        return {"why": f"{len(flagged)} posts were flagged, wanted {LEAST} or more to take words out of"}
    rng = np.random.default_rng(seed)
    drawn = np.sort(rng.permutation(flagged)[:most]).tolist()
    posts, spans = posts_of([rows[place] for place in drawn]), [verdicts[place].spans for place in drawn]
    texts = [versions(post.text, cited, rng) for post, cited in zip(posts, spans, strict=True)]
    effects, wavered = try_removals(detect, posts, texts)
    if (tried := int(effects.tried[:, 0].sum())) < LEAST:
        return {"why": f"{tried} flagged posts cite some of their words and not all, wanted {LEAST} or more"}
    uncited = np.array([not cited for cited in spans])
    return {
        "posts": len(drawn),
        "wavered": wavered,
        "emptied": sum("cited" not in left for left in texts) - int(uncited.sum()),
        **summaries(effects, uncited, Resamples(group_rows([rows[place] for place in drawn]))),
    }


def versions(text: str, spans: Sequence[Span], rng: np.random.Generator) -> dict[str, str]:
    """Give the text after each removal that can be tried: one that leaves no word cannot."""
    if not spans:
        return {}
    cited = [(span.start, span.end) for span in spans]
    left = {"cited": without(text, cited)}
    if other := draw_others(text, cited, rng):
        left["others"] = without(text, other)
    for kind in dict.fromkeys(span.kind for span in spans):
        left[kind.value] = without(text, [(span.start, span.end) for span in spans if span.kind == kind])
    return {name: rest for name, rest in left.items() if words(rest)}


def without(text: str, ranges: Ranges) -> str:
    """Take ranges out of a text; one space joins what is left."""
    pieces, at = [], 0
    for start, end in sorted(ranges):
        pieces.append(text[at:start].strip())
        at = max(at, end)
    return " ".join(piece for piece in (*pieces, text[at:].strip()) if piece)


def draw_others(text: str, cited: Ranges, rng: np.random.Generator) -> Ranges:
    """Draw words that are not cited: as many as are, and as many code points or more; none where that cannot be.

    A short listing may hold little but a name and a price: to take fewer words there would be no fair comparison.
    """
    every = words(text)
    free = [word for word in every if not overlaps(*word, cited)]
    least, letters = max(len(every) - len(free), 1), sum(end - start for start, end in cited)
    drawn: Ranges = []
    for place in rng.permutation(len(free)).tolist():
        drawn.append(free[place])
        if len(drawn) >= least and sum(end - start for start, end in drawn) >= letters:
            return drawn
    return []


def try_removals(detect: Detect, posts: Sequence[Post], texts: Sequence[Mapping[str, str]]) -> tuple[Effects, int]:
    """Judge each post again beside its versions; also count the posts that are then not flagged to begin with.

    All stand in one call, because an 8-bit graph reads a text a little differently in other company: between a call
    of its own and one with 253 others, the log-odds of 254 authored posts moved by 0.08 (median), by 1.8 at most.
    """
    shape, wavered = (len(posts), len(REMOVALS)), 0
    effects = Effects(np.zeros(shape, dtype=bool), np.zeros(shape), np.zeros(shape, dtype=bool))
    for place, (post, left) in enumerate(zip(posts, texts, strict=True)):
        if not left:
            continue
        different = list(dict.fromkeys(left.values()))
        before, *answers = detect([post, *(replace(post, text=text) for text in different)])
        if before.decision == Decision.ALLOW:
            wavered += 1
            continue
        said = dict(zip(different, answers, strict=True))
        after = [said[text] for text in left.values()]
        where = [REMOVALS.index(name) for name in left]
        effects.tried[place, where] = True
        effects.fall[place, where] = log_odds([before]) - log_odds(after)
        effects.unflagged[place, where] = [verdict.decision == Decision.ALLOW for verdict in after]
    return effects, wavered


def log_odds(verdicts: Sequence[Verdict]) -> Floats:
    """Give the log-odds of an advert (verdicts,)."""
    return safe_log_odds(np.array([verdict.advert_probability for verdict in verdicts], dtype=np.float64))


def summaries(effects: Effects, uncited: Bools, resamples: Resamples) -> dict[str, Any]:
    """Sum the effects up, every figure over the same resampled posts; `uncited` is (posts,)."""
    both = effects.tried[:, 0] & effects.tried[:, 1]  # what has a control
    cited_fall, other_fall = effects.fall[:, 0] * both, effects.fall[:, 1] * both
    tried = np.column_stack([effects.tried, both, both])
    fall = np.column_stack([effects.fall, cited_fall, cited_fall - other_fall])
    unflagged = np.column_stack([effects.unflagged, effects.unflagged[:, 0] & both, np.zeros(len(both))])
    marks = np.stack([tried, fall > 0, unflagged, fall], axis=2).astype(np.float64)  # (posts, removals, 4)
    samples = resamples.totals(np.column_stack([np.ones(len(both)), uncited, marks.reshape(len(both), -1)]))
    drawn = samples[:, 2:].reshape(-1, *marks.shape[1:])
    found = [summary(marks[:, place].sum(0), drawn[:, place]) for place in range(marks.shape[1])]
    cited, others, *kinds, beside, beyond = found
    return {
        "uncited": rate(int(uncited.sum()), len(uncited), shares(samples[:, 1], samples[:, 0])),
        **cited,
        **{f"{name}_by_control": others[name] for name in ("lowered", "unflagged")},
        "mean_fall_control": others["mean_fall_log_odds"],
        "beside_control": beside,  # the cited words again, on just the posts that have a control
        "mean_fall_beyond_control": beyond["mean_fall_log_odds"],
        "by_kind": {
            name: {"posts": each["lowered"]["of"], **each}
            for name, each in zip(REMOVALS[2:], kinds, strict=True)
            if each["lowered"]["of"]
        },
    }


def summary(sums: Floats, samples: Floats) -> dict[str, Any]:
    """Turn sums (4,) of one removal, and those of the resampled posts (rounds, 4), to rates and a mean."""
    tried, lowered, unflagged = map(int, sums[:3])
    return {
        "lowered": rate(lowered, tried, shares(samples[:, 1], samples[:, 0])),
        "unflagged": rate(unflagged, tried, shares(samples[:, 2], samples[:, 0])),
        "mean_fall_log_odds": figure(sums[3] / tried, shares(samples[:, 3], samples[:, 0]))
        if tried >= LEAST
        else no_figure(f"{tried} posts to take such words out of, wanted {LEAST} or more"),
    }
