"""Texts to readings by two readers at once: the network, and the plain one over words, whose share is added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from models.calibration import IS_ADVERT
from models.scorer import Reading
from models.words import Words


class Reads(Protocol):
    """What a detector reads with."""

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """Read each text whole; the order of the answers is the order of the texts."""


@dataclass(frozen=True, slots=True)
class Reader:
    """The network's logits, those of the advert intents raised by a share of the plain reader's log-odds."""

    network: Reads
    words: Words
    share: float

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """Read each text with both."""
        raised = self.share * self.words.log_odds(texts)
        return [
            replace(reading, logits=np.where(IS_ADVERT, reading.logits + more, reading.logits))
            for reading, more in zip(self.network.read(texts), raised.tolist(), strict=True)
        ]
