"""The wire form of a verdict: one shape for the API, the files and the reports.

Only the standard library is imported here, so a file can be scored without the web stack.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from models.verdict import INTENTS, Verdict

DIGITS = 4  # the policy's thresholds have three; more would pose as knowledge that calibration does not have


def verdict_to_json(verdict: Verdict) -> dict[str, Any]:
    """Turn a verdict into what `json.dumps` takes; the keys are the fields of `Verdict`, in their order."""
    return {
        "id": verdict.id,
        "decision": verdict.decision.value,
        "advert_probability": _rounded(verdict.advert_probability),
        "intents": {intent.value: _rounded(verdict.intents[intent]) for intent in INTENTS},
        "spans": [asdict(span) for span in verdict.spans],
        "substances": [asdict(substance) for substance in verdict.substances],
        "reasons": list(verdict.reasons),
        "lang": verdict.lang,
        "warnings": list(verdict.warnings),
        "release": verdict.release,
        "lexicon": verdict.lexicon,
        "policy": verdict.policy,
    }


def _rounded(probability: float) -> float:
    return round(float(probability), DIGITS)  # float(): json knows no numpy scalars
