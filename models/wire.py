"""The wire form of a verdict: one shape for the API, the files and the reports.

Only the standard library is imported here, so a file can be scored without the web stack.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from models.verdict import INTENTS, Decision, Kind, NpsClass, Span, Status, Substance, Verdict

DIGITS = 4  # the policy's thresholds have three; more would pose as knowledge that calibration does not have


def verdict_to_json(verdict: Verdict, *, digits: int | None = DIGITS) -> dict[str, Any]:
    """Turn a verdict into what `json.dumps` takes; the keys are the fields of `Verdict`, in their order.

    Probabilities are rounded to `digits`; `None` keeps them whole.
    """
    return {
        "id": verdict.id,
        "decision": verdict.decision.value,
        "advert_probability": _rounded(verdict.advert_probability, digits),
        "intents": {intent.value: _rounded(verdict.intents[intent], digits) for intent in INTENTS},
        "spans": [asdict(span) for span in verdict.spans],
        "substances": [asdict(substance) for substance in verdict.substances],
        "reasons": list(verdict.reasons),
        "lang": verdict.lang,
        "warnings": list(verdict.warnings),
        "release": verdict.release,
        "lexicon": verdict.lexicon,
        "policy": verdict.policy,
    }


def verdict_from_json(values: Mapping[str, Any]) -> Verdict:
    """Read what `verdict_to_json` wrote; `ValueError` says what is missing or unknown."""
    try:
        return Verdict(
            **{
                **values,
                "decision": Decision(values["decision"]),
                "advert_probability": float(values["advert_probability"]),
                "intents": {intent: float(values["intents"][intent]) for intent in INTENTS},
                "spans": [_span(span) for span in values["spans"]],
                "substances": [
                    Substance(each["name"], NpsClass(each["nps_class"]), Status(each["status"]))
                    for each in values["substances"]
                ],
            }
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"no verdict: {error!r} in {sorted(values)}") from error


def _span(values: Mapping[str, Any]) -> Span:
    read: dict[str, Any] = {"kind": Kind, "nps_class": NpsClass, "status": Status}
    fields: dict[str, Any] = {
        name: read[name](value) if name in read and value is not None else value for name, value in values.items()
    }
    return Span(**fields)


def _rounded(probability: float, digits: int | None) -> float:
    return float(probability) if digits is None else round(float(probability), digits)  # json knows no numpy scalars
