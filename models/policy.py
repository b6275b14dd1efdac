"""Probabilities and substances to a decision.

A policy is data: thresholds per advert intent, the prevalence of the stream they are meant for, and
carve-outs for what is lawful somewhere. It judges nothing by itself and learns nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from models.verdict import ADVERT_INTENTS, INTENTS, Decision, Intent, NpsClass, Substance

SEVERITY = {Decision.ALLOW: 0, Decision.REVIEW: 1, Decision.ACT: 2}


@dataclass(frozen=True, slots=True)
class Bands:
    """From which advert probability a post is reviewed or acted on; `None` never."""

    review: float | None
    act: float | None = None

    def __post_init__(self) -> None:
        for name in ("review", "act"):
            value = getattr(self, name)
            if value is not None and not 0 < value <= 1:
                raise ValueError(f"policy: {name} is {value}, wanted a probability in (0, 1] or null")
        if self.review is not None and self.act is not None and self.act < self.review:
            raise ValueError(f"policy: act {self.act} is below review {self.review}, wanted it at or above")

    def decide(self, probability: float) -> Decision:
        """Place a probability in its band."""
        if self.act is not None and probability >= self.act:
            return Decision.ACT
        if self.review is not None and probability >= self.review:
            return Decision.REVIEW
        return Decision.ALLOW


@dataclass(frozen=True, slots=True)
class CarveOut:
    """What is lawful where: caps the decision when every substance named is covered.

    A post is covered when its country is listed and each substance found has a listed class or name.
    """

    countries: frozenset[str]
    nps_classes: frozenset[NpsClass] = frozenset()
    substances: frozenset[str] = frozenset()
    at_most: Decision = Decision.ALLOW
    why: str = ""

    def covers(self, country: str | None, substances: Sequence[Substance]) -> bool:
        """Tell whether the carve-out applies to all that the post names."""
        if country is None or country.upper() not in self.countries or not substances:
            return False
        return all(each.nps_class in self.nps_classes or each.name in self.substances for each in substances)


@dataclass(frozen=True, slots=True)
class Policy:
    """Thresholds per advert intent and what the law carves out, for one stream."""

    name: str
    version: int
    prevalence: float
    bands: Mapping[Intent, Bands]
    carve_outs: Sequence[CarveOut] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        if not 0 < self.prevalence < 1:
            raise ValueError(f"policy {self.name}: prevalence is {self.prevalence}, wanted a share between 0 and 1")
        if set(self.bands) != ADVERT_INTENTS:
            found, wanted = (", ".join(sorted(intents)) for intents in (self.bands, ADVERT_INTENTS))
            raise ValueError(f"policy {self.name}: found bands for {found or 'none'}, wanted exactly {wanted}")

    @property
    def label(self) -> str:
        """Give the name and version as a verdict carries them: `default@4`."""
        return f"{self.name}@{self.version}"

    def decide(
        self, intents: Mapping[Intent, float], substances: Sequence[Substance], country: str | None
    ) -> tuple[Decision, list[str]]:
        """Decide by the most probable advert intent's bands; give also what a carve-out did, in words."""
        probability = advert_probability(intents)
        decision = self.bands[top_advert(intents)].decide(probability)
        for carve_out in self.carve_outs:
            if SEVERITY[decision] > SEVERITY[carve_out.at_most] and carve_out.covers(country, substances):
                why = carve_out.why or "lawful there"
                return carve_out.at_most, [f"the policy makes it '{carve_out.at_most}' in {country}: {why}"]
        return decision, []


def advert_probability(intents: Mapping[Intent, float]) -> float:
    """Sum over the advert intents."""
    return float(min(1.0, sum(intents[intent] for intent in ADVERT_INTENTS)))


def top_advert(intents: Mapping[Intent, float]) -> Intent:
    """Give the most probable advert intent."""
    return max((intent for intent in INTENTS if intent in ADVERT_INTENTS), key=lambda intent: intents[intent])


def policy_to_json(policy: Policy) -> dict[str, Any]:
    """Give the policy as values for JSON; equal policies give equal values."""
    values = asdict(policy)
    for carve_out in values["carve_outs"]:
        for name in ("countries", "nps_classes", "substances"):
            carve_out[name] = sorted(carve_out[name])
    return values


def save_policy(policy: Policy, path: Path) -> None:
    """Write the policy as JSON."""
    path.write_text(json.dumps(policy_to_json(policy), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def load_policy(path: Path) -> Policy:
    """Read a policy; `ValueError` names the file, what was found and what was wanted."""
    return parse_policy(path.read_bytes(), str(path))


def parse_policy(content: bytes, name: str) -> Policy:
    """Read a policy from what its file holds; `name` is what an error calls it."""
    try:
        return _policy(json.loads(content.decode("utf-8")))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{name}: {error}") from error


def _policy(values: dict[str, Any]) -> Policy:
    bands = {Intent(intent): Bands(**band) for intent, band in values.pop("bands").items()}
    carve_outs = [
        CarveOut(
            countries=frozenset(country.upper() for country in each["countries"]),
            nps_classes=frozenset(NpsClass(name) for name in each.get("nps_classes", ())),
            substances=frozenset(each.get("substances", ())),
            at_most=Decision(each.get("at_most", "allow")),
            why=each.get("why", ""),
        )
        for each in values.pop("carve_outs", ())
    ]
    return Policy(bands=bands, carve_outs=carve_outs, **values)
