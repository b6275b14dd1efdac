"""A whole report of invented numbers, every section filled: what a page is tried on. No figure in it was measured."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from typing import Any

from training.evaluation.rates import no_figure, rate

Part = dict[str, Any]
INTENTS = ("sell", "recruit", "promote", "seek", "harm_reduction", "news_science", "use_talk", "other")
WHO = ("release", "baseline", "lexicon")
NO_FALSE_FLAGS = "fewer than 300 posts without an advert in this language"
TOO_FEW = "the lexicon gives no probability, so it has no curve"
SLICES = (  # name, adverts, others
    ("all", 1551, 21073),
    *((f"intent:{name}", n, m) for name, n, m in (("sell", 190, 0), ("promote", 51, 0), ("recruit", 52, 0))),
    *((f"intent:{name}", 0, m) for name, m in (("harm_reduction", 312), ("news_science", 56), ("use_talk", 37))),
    *((f"class:{name}", n, m) for name, n, m in (("cathinones", 310, 44), ("opioids", 122, 201), ("ghb_like", 17, 3))),
    *(
        (f"lang:{name}", n, m)
        for name, n, m in (("en", 1338, 16553), ("de", 20, 1060), ("ru", 26, 832), ("nl", 23, 22))
    ),
    *((f"source:{name}", n, m) for name, n, m in (("agora_desc", 298, 91), ("agora_title", 902, 184))),
    *((f"source:tweeteval/stance__topic_{n}__train", 0, 60 * n) for n in range(1, 6)),
    *(
        (f"platform:{name}", n, m)
        for name, n, m in (("telegram", 60, 679), ("market", 1200, 275), ("microblog", 0, 9400))
    ),
    *((f"length:{name}", n, m) for name, n, m in (("8 words or fewer", 510, 4400), ("9 to 30 words", 600, 9100))),
    *((f"year:{name}", n, m) for name, n, m in (("2014", 1220, 900), ("2018", 31, 8000))),
    *((f"{name}:yes", n, m) for name, n, m in (("disguised", 88, 12), ("emoji", 140, 5200), ("pair", 290, 310))),
    ("listed term:none", 402, 19800),
)


def sample_report() -> Part:
    """Give the report; the same at every call."""
    rng = random.Random(5)
    return {
        "format": 2,
        "created": "2026-11-24T09:30:00+00:00",
        "release": "0000.0.0-sample",
        "policy": {"label": "default@1", "prevalence": 0.0029, "threshold": 0.705},
        "data": ["posts.jsonl.gz", "data_cards/npsight_posts/test.jsonl"],
        **{"rows": 22624, "adverts": 1551, "groups": 20111, "seen_in_training": 31000},
        "left_out": {"real_posts": 825, "npsight_posts": 0},
        "contenders": {
            "release": "npsight 0000.0.0-sample",
            "baseline": "TF-IDF with logistic regression on the same rows",
            "lexicon": "the lexicon alone",
        },
        "notes": [
            "SAMPLE: every number on this page is invented, to look at the page with",
            "no posts without an advert in nl, sv, cs: no false-flag rate can be shown there",
        ],
        "in_use": [_in_use(0.0029, 1_000_000), _in_use(0.0001, None), _in_use(0.01, None)],
        "goals": _goals(),
        "floors": _floors(),
        "curves": _curves(rng),
        "average_precision": {
            "at_prevalence": 0.0029,
            **{"release": figure(0.871, 0.03), "baseline": figure(0.79, 0.04), "lexicon": no_figure(TOO_FEW)},
            "as_found": {"at_prevalence": 0.0686, "release": figure(0.976, 0.006), "baseline": figure(0.962, 0.008)},
        },
        "calibration": _calibration(),
        "slices": {name: _slice(adverts, others, rng) for name, adverts, others in SLICES},
        "harm_reduction": {
            **{"release": rate(0, 312), "baseline": rate(14, 312), "lexicon": rate(171, 312)},
            "what": "posts labelled harm_reduction",
        },
        "worst_slices": _worst(),
        "differences": {who: _differences(rng) for who in ("baseline", "lexicon")},
        "loses": [
            _lost("lang:nl", "baseline", "recall", figure(-0.26, 0.2), beyond=True),
            _lost("class:ghb_like", "lexicon", "false_flags", figure(0.012, 0.02), beyond=False),
        ],
        "intents": _intents(),
        "terms": {
            "rows": 644,
            "both": {"words": 1039, "precision": 0.664, "recall": 0.599, "f1": 0.63},
            "lexicon": {"words": 1039, "precision": 0.86, "recall": 0.331, "f1": 0.478},
            "model": {"words": 1039, "precision": None, "recall": 0.268, "f1": None},
            "unlisted": {"words": 522, "precision": 0.61, "recall": 0.44, "f1": 0.511, "f1_low": 0.47, "f1_high": 0.55},
        },
        "explanations": {
            **{"posts": 300, "lowered": rate(281, 300), "lowered_by_control": rate(140, 300)},
            **{"mean_fall_log_odds": figure(2.31, 0.2), "mean_fall_control": figure(0.22, 0.1)},
            **{"unflagged": rate(190, 300), "unflagged_by_control": rate(22, 300), "uncited": rate(31, 300)},
            "by_kind": {
                "slang": {"posts": 140, **_removed(121, 88, 140, figure(1.42, 0.2))},
                "payment": {"posts": 4, **_removed(3, 1, 4, no_figure("4 posts to take such words out of"))},
            },
        },
        "robustness": _robustness(rng),
        "suite": _suite(rng),
        "protocol": _protocol(),
        "errors": _errors(),
        "cost": {
            **{"posts": 512, "posts_per_second": 109.0, "memory_mb": 540, "release_mb": 57.4, "cores": 2},
            "batch": [{"size": 4**n, "posts_per_second": v} for n, v in enumerate((40.0, 81.5, 109.0, 112.0))],
            "latency_ms": {"p50": 23.1, "p95": 41.0, "p99": 77.9},
        },
        "training": {
            **{"rows": 225446, "train_rows": 15936, "visits": 44312, "mean_loss": 0.331, "seconds": 2261},
            "train_by_source": {
                "agora_desc": {"adverts": 801, "others": 160},
                "popcorn": {"adverts": 0, "others": 160},
            },
        },
        "working_point": {"ordinary_rows": 17027, "false_flags_allowed": 4, "false_flags": 4, "threshold": 0.705},
        "parity": {"rows": 600, "change_p95": 0.0368, "decisions_changed": 1},
        "baseline_threshold": 0.6676,
    }


def figure(value: float, half: float) -> Part:
    return {"value": value, "low": value - half, "high": value + half}


def _in_use(prevalence: float, posts_per_day: int | None) -> Part:
    known = zip(WHO, (0.81, 0.77, 0.62), (0.00038, 0.0012, 0.031), strict=True)
    return {
        **{"prevalence": prevalence, "posts_per_day": posts_per_day},
        "contenders": {who: _working(prevalence, recall, wrong, posts_per_day) for who, recall, wrong in known},
    }


def _working(prevalence: float, recall: float, wrong: float, posts_per_day: int | None) -> Part:
    found, false = recall * prevalence, wrong * (1 - prevalence)
    precision = found / (found + false)
    part: Part = {
        "recall": figure(recall, 0.025),
        "false_flag_rate": {"value": wrong, "low": wrong * 0.7, "high": wrong * 1.4},
        "precision": {"value": precision, "low": precision * 0.86, "high": 1 - (1 - precision) * 0.5},
        "f1": figure(2 * precision * recall / (precision + recall), 0.04),
        "flags_per_million": figure(1e6 * (found + false), 240),
        "wrong_flags_per_million": {"value": 1e6 * false, "low": 7e5 * false, "high": 1.4e6 * false},
        "missed_per_million": figure(1e6 * prevalence * (1 - recall), 60),
    }
    if prevalence == 0.01:
        part["precision"] = {"value": 0.91, "low": None, "high": None, "bound": "at least"}
        part["f1"] = no_figure("precision is known as a bound only")
    if prevalence == 0.0001:
        part["wrong_flags_per_million"] = no_figure("27 false flags in 21,073 rows cannot carry it at 1 in 10,000")
    return part | ({"reviews_per_day": figure(1e6 * (found + false), 240)} if posts_per_day else {})


def _goals() -> list[Part]:
    answer = {
        **{"threshold": 0.812, "prevalence": 0.0029, "recall": figure(0.74, 0.03), "precision": figure(0.91, 0.05)},
        "false_flag_rate": figure(0.00021, 0.0001),
        "reviews_per_day": figure(2360, 210),
    }
    return [
        {"goal": "max recall @ precision >= 0.9 @ prevalence 0.0029", "answer": answer, "refused": None},
        {
            "goal": "max precision @ recall >= 0.5 @ prevalence 0.0001",
            "answer": None,
            "refused": "it would take 58,000 posts without an advert to show it, and there are 21,073",
        },
    ]


def _floors() -> list[Part]:
    def floor(name: str, sentence: str, wanted: str, value: float, unit: str) -> Part:
        return {"name": name, "sentence": sentence, "wanted": wanted, "floor": value, "unit": unit}

    found = {"value": 0.9, "low": 0.86, "high": 0.93, "of": 320, "baseline": 0.71, "at": "de", "met": True}
    lost = {"value": 3, "low": None, "high": None, "of": 90, "baseline": None, "at": "lang:nl recall", "met": False}
    return [
        floor("each language", "recall in the worst language", "at least", 0.85, "share") | found,
        floor("no slice lost", "slices worse than TF-IDF", "at most", 0, "number") | lost,
        floor("twins", "twins newly flagged", "at most", 0.001, "share") | {"why": "11 to count, fewer than 20"},
    ]


def _curves(rng: random.Random) -> Part:
    recall = [n / 80 for n in range(1, 81)]
    ranking: Part = {"prevalence": 0.0029}
    false_flags: Part = {"floor": 0.00014}
    for who, drop in (("release", 9.0), ("baseline", 5.0)):
        precision = [max(0.003, 1 - 0.02 * at - at**drop) for at in recall]
        ranking[who] = {
            **{"recall": recall, "precision": precision},
            "low": [max(0.0, each - 0.05) for each in precision],
            "high": [min(1.0, each + 0.03) for each in precision],
        }
        found = [1 - math.exp(-drop * 0.22 * (n / 10 + 0.4)) for n in range(60)]
        rates = [0.00008 * 1.17**n for n in range(60)]
        kept = [(min(1.0, each), by) for each, by in zip(rates, found, strict=True)]
        false_flags[who] = {"false_flag_rate": [each for each, _ in kept], "recall": [by for _, by in kept]}
    ranking["lexicon"] = no_figure(TOO_FEW)
    edges = [-12 + n for n in range(25)]
    middles = dict(zip(INTENTS, (5, 4, 2, -2, -4, -7, -3, -6), strict=True))
    middles |= {"advert (intent unknown)": 6, "no advert (intent unknown)": -9}
    counts = {
        name: [round(rng.randint(30, 60) * math.exp(-(((edge - middle) / 2.6) ** 2))) for edge in edges[:-1]]
        for name, middle in middles.items()
    }
    return {
        "precision_recall": ranking,
        "recall_false_flags": false_flags,
        "operating_points": {
            "release": {"recall": 0.81, "false_flag_rate": 0.00038, "precision": 0.86},
            "baseline": {"recall": 0.77, "false_flag_rate": 0.0012, "precision": 0.65},
            "lexicon": {"recall": 0.62, "false_flag_rate": 0.031, "precision": 0.055},
        },
        "scores": {"edges": edges, "unit": "log-odds", "by_intent": counts},
    }


def _calibration() -> Part:
    def errors(by: float) -> Part:
        return {
            "ece": figure(0.0011 * by, 0.0003),
            "ece_from_0.1": figure(0.061 * by, 0.02) if by < 5 else no_figure("no probability there at 0.0029"),
            "brier": figure(0.00072 * by, 0.0001),
            "log_loss": figure(0.0041 * by, 0.0006),
        }

    bins = [
        {
            **{"low": n / 10, "high": (n + 1) / 10, "rows": 20000 // (1 + 30 * n), "groups": 15000 // (1 + 30 * n)},
            **{"mean_probability": n / 10 + 0.04, "share_adverts": min(1, n / 10 + 0.02 + 0.01 * (n % 3))},
            **{"share_low": max(0, n / 10 - 0.05 - 0.01 * n), "share_high": min(1, n / 10 + 0.12)},
        }
        for n in range(10)
    ]
    return {
        **{"prevalence": 0.0029, "fitted_prevalence": 0.5},
        **{"shifted": errors(1), "unshifted": errors(9), "as_found": {"prevalence": 0.0686, **errors(2)}},
        "diagram": {"shifted": bins},
    }


def _slice(adverts: int, others: int, rng: random.Random) -> Part:
    return {
        who: {
            "recall": rate(round(adverts * share * rng.uniform(0.7, 1.0)), adverts),
            "false_flags": rate(round(others * wrong * rng.uniform(0.0, 2.0)), others)
            if others != 22
            else {"count": None, "of": 22, "share": None, "low": None, "high": None, "why": NO_FALSE_FLAGS},
        }
        for who, share, wrong in zip(WHO, (0.97, 0.93, 0.8), (0.0012, 0.0031, 0.04), strict=True)
    }


def _worst() -> Part:
    def found(where: list[str], count: int, total: int, rest: Mapping[str, Any], p: float) -> Part:
        return {"where": where, "rows": total, "groups": total - 2, "rate": rate(count, total), "rest": rest, "p": p}

    return {
        "how": "Slices and pairs of slices were searched on one half of the groups and confirmed on the other half.",
        "missed": [found(["lang:ru", "price:no"], 11, 40, rate(640, 730), 0.0004)],
        "wrong": [found(["platform:telegram", "listed term:1"], 7, 210, rate(9, 10300), 0.00002)],
    }


def _differences(rng: random.Random) -> Part:
    return {
        name: {
            "recall": figure(rng.uniform(-0.05, 0.2), 0.04),
            "false_flags": figure(rng.uniform(-0.02, 0.002), 0.002) if others > 300 else no_figure(NO_FALSE_FLAGS),
        }
        for name, _, others in SLICES
    }


def _lost(name: str, to: str, measure: str, difference: Part, *, beyond: bool) -> Part:
    return {"slice": name, "to": to, "measure": measure, "difference": difference, "beyond_interval": beyond}


def _intents() -> Part:
    rows = dict(zip(INTENTS, (190, 52, 51, 52, 70, 56, 37, 136), strict=True))
    counts = [[0] * 8 for _ in INTENTS]
    for place, total in enumerate(rows.values()):
        counts[place][place] = total * 3 // 4
        counts[place][7 - place] += total - total * 3 // 4
    return {
        **{"rows": 644, "right": rate(471, 644), "macro_f1": 0.771},
        "f1": {name: 0.62 + 0.04 * place for place, name in enumerate(INTENTS)},
        "prevalence": {name: total / 644 for name, total in rows.items()},
        "confusion": {"labels": list(INTENTS), "counts": counts},
    }


def _removed(lowered: int, unflagged: int, posts: int, fall: Part) -> Part:
    return {"lowered": rate(lowered, posts), "unflagged": rate(unflagged, posts), "mean_fall_log_odds": fall}


def _robustness(rng: random.Random) -> Part:
    named = (
        ("leet", "letters become digits"),
        ("homoglyphs", "letters become look-alikes of other scripts"),
        ("zero-width", "invisible characters inside words"),
        ("spaced", "spaces between the letters of a word"),
        ("emoji", "drug names become emoji codes"),
        ("phonetic", "words are spelt as they sound"),
    )
    attacks = [
        {
            **{"attack": name, "what": what, "strength": strength, "held_out": name == "phonetic"},
            "success": rate(rng.randint(2, 30) * strength, 200),
            "success_unnormalised": rate(rng.randint(40, 90) * strength, 200),
            "twin_false_flags": rate(rng.randint(0, 6), 200),
            "twin_false_flags_clean": rate(1, 200),
        }
        for name, what in named
        for strength in (1, 2)
    ]
    average = {"strength": 2, "success": 0.15, "success_unnormalised": 0.61, "held_out": 0.14}
    return {"adverts": 200, "twins": 200, "attacks": attacks, "average": average}


def _suite(rng: random.Random) -> Part:
    cases = [
        {
            **{"id": f"{'AHN'[n % 3]}{n:02}", "what": f"what case number {n} of the suite asks, in a sentence"},
            **{
                "intent": INTENTS[n % 8],
                "right": rate(rng.randint(30, 60), 60),
                "baseline": rate(rng.randint(9, 60), 60),
            },
        }
        for n in range(1, 15)
    ]
    return {
        **{"cases": 3285, "target": "npsight 0000.0.0-sample", "right": rate(2710, 3285), "functionalities": cases},
        **{"adverts": rate(1210, 1600), "others": rate(1500, 1685), "how": "Every case was read once."},
        **{"pairs": rate(402, 560), "languages": {"en": rate(1410, 1600), "de": rate(300, 420), "ru": rate(190, 410)}},
        **{"intents": None, "weakest": ["A06", "N11"]},
    }


def _protocol() -> Part:
    def run(split: str, kind: str, recall: int) -> Part:
        return {
            **{"split": split, "kind": kind, "possible": True, "why": None, "train_seconds": 150},
            **{"train_rows": 6000, "test_rows": 4000},
            "release": {"recall": rate(recall, 300), "false_flags": rate(7, 3700), "average_precision": 0.9},
            "baseline": {"recall": rate(recall - 60, 300), "false_flags": rate(31, 3700), "average_precision": 0.71},
        }

    return {
        "budget": "6 layers, 6,000 rows, 1 epoch",
        "runs": [
            run("source held out: agora_desc", "source", 261),
            run("class held out: cathinones", "class", 204),
            run("languages held out", "language", 180) | {"languages": {"de": _held_out(11), "ru": _held_out(4)}},
            {"split": "time-forward", "kind": "time", "possible": False, "why": "in these data time equals source"},
        ],
    }


def _held_out(recall: int) -> Part:
    return {
        "release": {"recall": rate(recall, 20), "false_flags": rate(1, 900)},
        "baseline": {"recall": rate(recall - 3, 20), "false_flags": rate(9, 900)},
    }


def _errors() -> Part:
    near = [{"id": "t-81", "intent": "other", "text": "sample of a neighbour in training", "similarity": 0.91}]
    missed = {"id": "s-17", "slice": "lang:ru", "truth": "sell", "said": "other", "advert_probability": 0.0123}
    wrong = {
        "id": "s-90",
        "slice": "platform:telegram",
        "truth": "use_talk",
        "said": "sell",
        "advert_probability": 0.93,
    }
    return {
        "missed": [missed | {"text": "sample text of a missed advert", "nearest": near}, missed | {"text": None}],
        "wrong_flags": [wrong | {"text": "sample text of a wrong flag", "nearest": []}],
        "label_suspects": [{"id": "s-5", "truth": "other", "advert_probability": 0.98, "quality": 0.013, "text": None}],
        "texts": "quotable",
    }
