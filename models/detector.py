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
from models.reader import Reads
from models.scorer import Reading
from models.signals import find_signals
from models.terms import merge_spans, term_spans
from models.verdict import INTENTS, LANGUAGES, Post, Span, Substance, Verdict

UNKNOWN_SHARE = 0.3
"""From this share of unknown tokens on, the verdict says that the text was mostly not understood."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was read of one post: all that a verdict stands on and no policy has a say in."""

    spans: list[Span]
    substances: list[Substance]
    reading: Reading
    language: Language


@dataclass(frozen=True, slots=True)
class Detector:
    """A `Detect`: call it with posts. It is bound to one release and one policy.

    `read` does the work and `decide` is cheap, so that one reading serves posts of several policies.
    """

    scorer: Reads
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
        return self.decide(posts, self.read(posts))

    def reads_as(self, other: Detector) -> bool:
        """Tell whether the other would read every post alike, and differs in its policy at most."""
        ours, theirs = ((each.scorer, each.lexicon, each.calibration, each.normalise) for each in (self, other))
        return all(one is another for one, another in zip(ours, theirs, strict=True))

    def read(self, posts: Sequence[Post]) -> list[Evidence]:
        """Gather the evidence of each post, with the network run once over all of them."""
        normalised = self.normalise([post.text for post in posts])
        cues = find_signals(normalised)
        listed = self.lexicon.find(normalised, cues)
        readings = self.scorer.read([each.text for each in normalised])
        languages = identify(posts)
        return [self._evidence(*each) for each in zip(normalised, cues, listed, readings, languages, strict=True)]

    def decide(self, posts: Sequence[Post], evidence: Sequence[Evidence]) -> list[Verdict]:
        """Judge each post by its evidence under this detector's policy."""
        return [self._verdict(post, read) for post, read in zip(posts, evidence, strict=True)]

    def _evidence(
        self,
        normalised: Normalised,
        cues: Sequence[Span],
        listed: Sequence[Span],
        reading: Reading,
        language: Language,
    ) -> Evidence:
        learnt = term_spans(normalised, reading, threshold=self.calibration.term_threshold)
        spans = merge_spans(listed, cues, learnt)
        return Evidence(spans, substances(spans), reading, language)

    def _verdict(self, post: Post, read: Evidence) -> Verdict:
        probabilities = self.calibration.probabilities(read.reading.logits, prevalence=self.policy.prevalence)
        intents = dict(zip(INTENTS, probabilities.tolist(), strict=True))
        decision, carved = self.policy.decide(intents, read.substances, post.country)
        return Verdict(
            id=post.id,
            decision=decision,
            advert_probability=advert_probability(intents),
            intents=intents,
            spans=read.spans,
            substances=read.substances,
            reasons=[*words.reasons(decision, intents, read.spans, read.substances), *carved],
            lang=read.language.code,
            warnings=warnings(read.reading, read.language),
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
