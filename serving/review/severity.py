"""How much harm an advert can do, as far as the substances that it names tell: what orders the review queue.

Not a measure of danger for anybody's health: only which case a person should look at first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from models.verdict import NpsClass, Substance

HIGHEST = 10
UNNAMED = 4
"""No substance was recognised: coded or new words, which may stand for anything, so in the middle."""

STEMS: Mapping[str, int] = {
    "nitazen": HIGHEST,  # amounts too small to see can kill, and they are sold as something else
    "nitazyn": HIGHEST,  # the same in Polish spelling
    "fentan": HIGHEST,  # likewise, in powders and counterfeit pills
    "fentyl": HIGHEST,  # short names of the same
    "u-47700": 9,  # new opioids of other families
    "brorphine": 9,
    "xylazine": 9,  # cut into opioids; what reverses an opioid does not reverse it
    "medetomidine": 9,
}
"""Parts of names that go before the class: the lexicon lists fentanyl itself among the controlled drugs."""

CLASSES: Mapping[NpsClass, int] = {
    NpsClass.OPIOIDS: 9,  # stopped breathing; the class with most deaths for each seizure
    NpsClass.BENZODIAZEPINES: 7,  # counterfeit pills of unknown strength, deadly beside opioids
    NpsClass.SYNTHETIC_CANNABINOIDS: 7,  # mass poisonings; sprayed unevenly, also sold to minors as vapes
    NpsClass.PHENETHYLAMINES: 6,  # NBOMe and kin kill in amounts taken for LSD
    NpsClass.CATHINONES: 6,  # the largest market of new stimulants
    NpsClass.GHB_LIKE: 6,  # a narrow margin, and used to assault
    NpsClass.PIPERIDINES_PYRROLIDINES: 6,
    NpsClass.CONTROLLED: 5,  # heroin and cannabis stand in one class, so in the middle
    NpsClass.ARYLCYCLOHEXYLAMINES: 5,
    NpsClass.PIPERAZINES: 5,
    NpsClass.AMINOINDANES: 5,
    NpsClass.ARYLALKYLAMINES: 5,
    NpsClass.TRYPTAMINES: 4,
    NpsClass.LYSERGAMIDES: 4,
    NpsClass.SEMI_SYNTHETIC_CANNABINOIDS: 4,
    NpsClass.MEDICINES: 4,  # diverted or counterfeit
    NpsClass.INHALANTS: 4,
    NpsClass.OTHER: 4,
    NpsClass.PLANTS_EXTRACTS: 3,
}


def severity(substances: Sequence[Substance]) -> int:
    """Give the weight of the worst substance named, from 1 to `HIGHEST`."""
    return max((_weight(each) for each in substances), default=UNNAMED)


def growth(copies: int) -> float:
    """Say how much more a campaign weighs than one post: 1 for one copy, 11 for a thousand.

    Each doubling adds as much as the first post: more copies reach more people, mostly the same ones, and one decision
    settles all of them. In proportion to copies, one flood of the mildest would bury a single post of the deadliest.
    """
    return 1 + math.log2(max(copies, 1))


def expected_harm(weight: int, advert_probability: float, copies: int = 1) -> float:
    """Multiply what it would do by how sure it is that it is an advert, and by how far it spreads."""
    return weight * advert_probability * growth(copies)


def uncertainty(advert_probability: float) -> float:
    """Give 1 at probability 0.5, where a person's answer teaches most, and 0 where nothing is open."""
    return 1 - abs(2 * advert_probability - 1)


def _weight(substance: Substance) -> int:
    name = substance.name.casefold()
    return max([CLASSES[substance.nps_class], *(weight for stem, weight in STEMS.items() if stem in name)])
