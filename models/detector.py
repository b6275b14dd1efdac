"""Posts to verdicts: the one path that composes reading, evidence, probability and decision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from models import reasons as words
from models.calibration import Calibration
from models.language import Language, identify
from models.lexicon import Lexicon, substances
from models.normalise import Normalised, normalise
from models.policy import Policy, advert_probability
from models.scorer import Reading, Scorer
from models.signals import find_signals
from models.terms import merge_spans, term_spans
from models.verdict import INTENTS, LANGUAGES, Post, Span, Verdict

UNKNOWN_SHARE = 0.3
"""From this share of unknown tokens on, the verdict says that the text was mostly not understood."""


@dataclass(frozen=True, slots=True)
class Detector:
    """A `Detect`: call it with posts. It is bound to one release and one policy."""

    scorer: Scorer
    lexicon: Lexicon
    calibration: Calibration
    policy: Policy
    release: str
    normalise: Callable[[Sequence[str]], list[Normalised]] = normalise

    def under(self, policy: Policy) -> Detector:
        """Bind the same loaded release to another policy."""
        return replace(self, policy=policy)

    def __call__(self, posts: Sequence[Post]) -> list[Verdict]:
        """Judge each post; the order of the verdicts is the order of the posts."""
        normalised = self.normalise([post.text for post in posts])
        cues = find_signals(normalised)
        listed = self.lexicon.find(normalised, cues)
        readings = self.scorer.read([each.text for each in normalised])
        languages = identify(posts)
        return [
            self._verdict(post, *evidence)
            for post, *evidence in zip(posts, normalised, cues, listed, readings, languages, strict=True)
        ]

    def _verdict(
        self,
        post: Post,
        normalised: Normalised,
        cues: Sequence[Span],
        listed: Sequence[Span],
        reading: Reading,
        language: Language,
    ) -> Verdict:
        learnt = term_spans(normalised, reading, threshold=self.calibration.term_threshold)
        spans = merge_spans(listed, cues, learnt)
        found = substances(spans)
        probabilities = self.calibration.probabilities(reading.logits, prevalence=self.policy.prevalence)
        intents = dict(zip(INTENTS, probabilities.tolist(), strict=True))
        decision, carved = self.policy.decide(intents, found, post.country)
        return Verdict(
            id=post.id,
            decision=decision,
            advert_probability=advert_probability(intents),
            intents=intents,
            spans=spans,
            substances=found,
            reasons=[*words.reasons(decision, intents, spans, found), *carved],
            lang=language.code,
            warnings=warnings(reading, language),
            release=self.release,
            lexicon=self.lexicon.version,
            policy=self.policy.label,
        )


def warnings(reading: Reading, language: Language) -> list[str]:
    """Say what makes a verdict less sure than it looks: it is never a silent `allow`."""
    said = []
    if language.code is not None and language.code not in LANGUAGES:
        said.append(f"language '{language.code}' is outside the scope ({', '.join(LANGUAGES)}): not tested there")
    elif language.foreign_script:
        said.append("mostly written in a script outside the scope (Latin, Cyrillic): not tested there")
    if reading.unknown >= UNKNOWN_SHARE:
        said.append(f"{reading.unknown:.0%} of the text is outside the vocabulary: the probability means little")
    if reading.windows > 1:
        said.append(f"long post: read in {reading.windows} overlapping parts, judged by the likeliest")
    return said
