"""Where the figure of a floor is found in a report: one function a kind of measure.

Each takes the report and what the floor is `on`; `NotShownError` says why these rows, or this report, cannot tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from training.evaluation.floor_figures import (
    LEAST,
    Found,
    NotShownError,
    Report,
    is_rate,
    listed,
    mapped,
    mean,
    of_rate,
    part,
    side,
    why,
    worst,
)
from training.evaluation.rates import rate
from training.evaluation.words import is_number

STRENGTH = 2
MOST_NAMES = 12
ABLATION = "ablation"
"""The kind of a run of the protocol that leaves a part of the recipe out: it is not meant to be good."""


def held_out_source(report: Report, on: str) -> Found:
    """Recall on a source that a network of the protocol never saw; of several such runs, in the one that saw most."""
    runs = [run for run in listed(report, "protocol", "runs") if holds_out(run, on)]
    if not runs:
        raise NotShownError(f"the protocol has no run without {on}")
    run = max(runs, key=lambda run: run.get("visits") or 0)
    found = run["sources"].get(on) if isinstance(run.get("sources"), Mapping) else run
    if not isinstance(found, Mapping) or not isinstance(found.get("release"), Mapping):
        raise NotShownError(str(run.get("why") or "this run of the protocol has no figures"))
    at = f"a network of its own: {budget_of(run, part(report, 'protocol'))}"
    return of_rate(found["release"].get("recall"), side(found, "baseline", "recall"), at=at)


def budget_of(run: Mapping[str, Any], protocol: Mapping[str, Any]) -> str:
    """Say what a run trained on, and at which rate its threshold was set; what it does not say the protocol does."""
    found = {name: run.get(name) or protocol.get(name) for name in ("budget", "false_flags_per_10000")}
    ours = f", {run['posts']:,} posts of our own beside them" if run.get("posts") else ""
    allowed = found["false_flags_per_10000"]
    return f"{found['budget']}{ours}" + (f"; threshold at {allowed} false flags in 10,000" if allowed else "")


def slice_recall(report: Report, on: str) -> Found:
    """Recall in one slice."""
    return of_slice(report, on, "recall")


def slice_false_flags(report: Report, on: str) -> Found:
    """False flags in one slice."""
    return of_slice(report, on, "false_flags")


def worst_slice_recall(report: Report, on: str) -> Found:
    """Recall in the worst slice of a kind."""
    named = [
        (name.partition(":")[2], side(rates, "release", "recall"), side(rates, "baseline", "recall"))
        for name, rates in mapped(report, "slices").items()
        if name.partition(":")[0] == on
    ]
    return worst(named, lowest=True, what=f"slices of the kind {on}")


def suite(report: Report, on: str) -> Found:
    """One of the suite's shares: `right` or `pairs`."""
    baseline = mapped(report, "suite").get("baseline")
    return of_rate(part(report, "suite", on), side({"baseline": baseline}, "baseline", on))


def worst_functionality(report: Report, _: str) -> Found:
    """Cases right in the suite's worst functionality."""
    named = [
        (f"{each.get('id')} {each.get('what')}", each.get("right"), each.get("baseline"))
        for each in listed(report, "suite", "functionalities")
    ]
    return worst(named, lowest=True, what="functionalities")


def suite_false_flags(report: Report, on: str) -> Found:
    """Wrong flags in the suite's functionalities whose label is one intent."""
    about = [each for each in listed(report, "suite", "functionalities") if each.get("intent") == on]
    if not about:
        raise NotShownError(f"the suite asks nothing about {on}")
    wrong, beside = (_wrong([each.get(key) for each in about]) for key in ("right", "baseline"))
    return of_rate(wrong, beside, at=", ".join(str(each.get("id")) for each in about))


def worst_attack(report: Report, _: str) -> Found:
    """Success of the attack that hides most caught adverts."""
    named = [(_attack(each), each.get("success"), None) for each in attacks(report)]
    return worst(named, lowest=False, what=f"attacks at strength {STRENGTH}")


def attacks_success(report: Report, on: str) -> Found:
    """Mean success over attacks; on "held_out", over those kept out of training."""
    chosen = [each for each in attacks(report) if on != "held_out" or each.get("held_out")]
    return mean(
        [each.get("success") for each in chosen], what=f"{on.replace('_', '-')} attacks at strength {STRENGTH}".strip()
    )


def twins_flagged(report: Report, _: str) -> Found:
    """Mean share over attacks of innocent twins, left alone as they stand, that are flagged in disguise."""
    return mean([each.get("twin_false_flags") for each in attacks(report)], what=f"attacks at strength {STRENGTH}")


def terms_f1(report: Report, on: str) -> Found:
    """F1 of the words that name drugs, as one of the report's readers says them."""
    found = mapped(report, "terms", on)
    return _of_f1(found, "f1", part(found, "words"), "words that name drugs")


def intents_f1(report: Report, _: str) -> Found:
    """Macro-F1 over the intents."""
    found = mapped(report, "intents")
    return _of_f1(found, "macro_f1", part(found, "rows"), "rows with one intent")


def calibration_error(report: Report, on: str) -> Found:
    """One calibration error at the policy's prevalence."""
    found = mapped(report, "calibration", "shifted", on)
    if not is_number(found.get("value")):
        raise NotShownError(why(found))
    return Found(found["value"], found.get("low"), found.get("high"))


def slices_lost(report: Report, _: str) -> Found:
    """Count the measures of slices in which the plain baseline is ahead beyond chance."""
    compared = mapped(report, "differences", "baseline")
    figures = [each for rates in compared.values() if isinstance(rates, Mapping) for each in rates.values()]
    of = sum(isinstance(each, Mapping) and is_number(each.get("value")) for each in figures)
    if not of:
        raise NotShownError("nothing was compared with the plain baseline")
    lost = [
        f"{each.get('slice')} {str(each.get('measure')).replace('_', ' ')}"
        for each in listed(report, "loses")
        if each.get("to") == "baseline" and each.get("beyond_interval")
    ]
    more = f" and {len(lost) - MOST_NAMES} more" if len(lost) > MOST_NAMES else ""
    return Found(len(lost), of=of, at=", ".join(lost[:MOST_NAMES]) + more)


MEASURES: dict[str, tuple[Callable[[Report, str], Found], str]] = {
    "held_out_source": (held_out_source, "share"),
    "slice_recall": (slice_recall, "share"),
    "slice_false_flags": (slice_false_flags, "share"),
    "worst_slice_recall": (worst_slice_recall, "share"),
    "suite": (suite, "share"),
    "worst_functionality": (worst_functionality, "share"),
    "suite_false_flags": (suite_false_flags, "share"),
    "worst_attack": (worst_attack, "share"),
    "attacks_success": (attacks_success, "share"),
    "twins_flagged": (twins_flagged, "share"),
    "terms_f1": (terms_f1, "number"),
    "intents_f1": (intents_f1, "number"),
    "calibration_error": (calibration_error, "number"),
    "slices_lost": (slices_lost, "number"),
}
"""What a floor may be measured by, and the unit that it is said in."""


def of_slice(report: Report, name: str, measure: str) -> Found:
    """Take a rate of a slice."""
    rates = part(report, "slices", name)
    return of_rate(side(rates, "release", measure), side(rates, "baseline", measure))


def attacks(report: Report) -> list[Mapping[str, Any]]:
    """List the attacks at the strength that floors are set for."""
    return [each for each in listed(report, "robustness", "attacks") if each.get("strength") == STRENGTH]


def holds_out(run: Mapping[str, Any], source: str) -> bool:
    """Tell whether a run kept a source out of training and was tested on it; an ablation is not meant to be good."""
    if run.get("kind") == ABLATION:
        return False
    return run.get("split") == f"source held out: {source}" or source in str(run.get("held_out", "")).split(", ")


def _attack(attack: Mapping[str, Any]) -> str:
    return f"{attack.get('attack')}{' (held out)' if attack.get('held_out') else ''}"


def _wrong(right: Sequence[Any]) -> dict[str, Any] | None:
    """Turn rates of what is right into one of what is wrong; `None` where one of them is not there."""
    if not all(map(is_rate, right)):
        return None
    total = sum(each["of"] for each in right)
    return rate(total - sum(each["count"] for each in right), total)


def _of_f1(found: Mapping[str, Any], key: str, of: Any, what: str) -> Found:
    if not is_number(of) or of < LEAST:
        raise NotShownError(f"{of} {what}, fewer than {LEAST}")
    if not is_number(value := part(found, key)):
        raise NotShownError(why(value))
    return Found(value, found.get(f"{key}_low"), found.get(f"{key}_high"), int(of))
