"""A policy as a form, and back: numbers and words only, since its JSON is checked by who reads it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.policy import CarveOut, Policy, load_policy
from models.verdict import ADVERT_INTENTS, INTENTS, Decision, Intent
from serving.console.changing import RefusedError
from serving.console.fields import Fields

ADVERTS: tuple[Intent, ...] = tuple(intent for intent in INTENTS if intent in ADVERT_INTENTS)
BANDS = ("review", "act")
MAX_CARVE_OUTS = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One carve-out in words, as its fields hold it."""

    countries: str = ""
    nps_classes: str = ""
    substances: str = ""
    at_most: str = Decision.ALLOW.value
    why: str = ""


def rows(policy: Policy) -> list[Row]:
    """Give the carve-outs, and an empty one to add another."""
    return [*(_row(each) for each in policy.carve_outs), Row()]


def content(form: Fields, *, name: str) -> bytes:
    """Write what the form says as a policy's JSON; `RefusedError` names a field that is no number."""
    bands = {
        intent.value: {band: _number(form, f"{intent}-{band}", empty=None) for band in BANDS} for intent in ADVERTS
    }
    prevalence = _number(form, "prevalence", empty=None)
    if prevalence is None:
        raise RefusedError("The share of adverts: wanted a percentage between 0 and 100.")
    version = form.word("version")
    policy = {
        "name": name,
        "version": int(version) if version.isascii() and version.isdecimal() and len(version) < 10 else -1,
        "prevalence": prevalence / 100,
        "bands": bands,
        "carve_outs": [each for at in range(MAX_CARVE_OUTS) if (each := _carve_out(form, at))],
    }
    return json.dumps(policy).encode()


def in_folder(folder: Path | None, name: str) -> Policy | None:
    """Read the policy that the folder holds now, which may be newer than the one in force; None where there is none."""
    if folder is None:
        return None
    try:
        return load_policy(folder / f"{name}.json")
    except (OSError, ValueError):
        return None


def _carve_out(form: Fields, at: int) -> dict[str, Any] | None:
    countries = _words(form.word(f"countries-{at}").upper())
    if not countries:
        return None
    return {
        "countries": countries,
        "nps_classes": _words(form.word(f"nps_classes-{at}")),
        "substances": _words(form.word(f"substances-{at}")),
        "at_most": form.word(f"at_most-{at}") or Decision.ALLOW.value,
        "why": form.word(f"why-{at}"),
    }


def _row(each: CarveOut) -> Row:
    countries, classes, names = (
        ", ".join(sorted(listed)) for listed in (each.countries, each.nps_classes, each.substances)
    )
    return Row(countries, classes, names, each.at_most.value, each.why)


def _words(text: str) -> list[str]:
    return [word for each in text.split(",") if (word := each.strip())]


def _number(form: Fields, name: str, *, empty: float | None) -> float | None:
    written = form.word(name).replace(",", ".")
    if not written:
        return empty
    try:
        number = float(written)
    except ValueError:
        raise RefusedError(f"{name.replace('-', ', ')}: found no number, wanted one such as 0.7 or nothing.") from None
    if not math.isfinite(number):
        raise RefusedError(f"{name.replace('-', ', ')}: wanted a number such as 0.7 or nothing.")
    return number
