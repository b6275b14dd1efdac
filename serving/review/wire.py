"""What review and feedback take and give over HTTP: strict models, each limit in the OpenAPI description."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field
from pydantic_core import PydanticCustomError

from models.verdict import INTENTS, Kind, Post
from serving import forms
from serving.review.appeals import Appealed
from serving.review.case import Mark
from serving.review.queue import LEASE_MINUTES, CaseLine
from serving.review.saying import MAX_MARKS, MAX_NOTE, Appeal, Choice
from serving.wire import Country, Label, Lang, Strict, Text

MAX_DECISIONS = 100  # of one request of feedback: a transaction that others wait for
MAX_LEASE_MINUTES = 120
LARGEST = 2**63 - 1  # a number of a row; beyond it a database would fail


def _one_of(words: Iterable[str]) -> tuple[AfterValidator, object]:
    known = list(words)

    def check(value: str) -> str:
        if value not in known:
            raise PydanticCustomError("unknown_word", "is none of {known}", {"known": ", ".join(known)})
        return value

    return AfterValidator(check), Field(json_schema_extra={"enum": [str(each) for each in known]})


def clean(value: str) -> str:
    """Refuse what cannot be stored or written out again."""
    if fault := forms.character_fault(value):
        raise PydanticCustomError("unfit", "{fault}", {"fault": fault})
    return value


CaseNumber = Annotated[int, Field(ge=1, le=LARGEST)]
ChoiceWord = Annotated[str, *_one_of(Choice)]
FeedbackWord = Annotated[str, *_one_of(each for each in Choice if each is not Choice.UNDO)]
IntentWord = Annotated[str, *_one_of(INTENTS)]
KindWord = Annotated[str, *_one_of(Kind)]
AppealWord = Annotated[str, *_one_of(Appeal)]
Note = Annotated[str, Field(max_length=MAX_NOTE), AfterValidator(clean)]


class MarkIn(Strict):
    """A corrected span: a half-open range of the text, in Unicode code points."""

    start: int = Field(ge=0, le=2**31)
    end: int = Field(ge=1, le=2**31)
    kind: KindWord

    def to_mark(self) -> Mark:
        """Leave the wire."""
        return Mark(self.start, self.end, self.kind)


class ClaimIn(Strict):
    """Which case to hold, and for how long; without `case`, the most urgent one that nobody holds."""

    case: CaseNumber | None = None
    lang: Lang | None = None
    platform: Label | None = None
    minutes: int = Field(default=LEASE_MINUTES, ge=1, le=MAX_LEASE_MINUTES)


class ClaimOut(BaseModel):
    """The case that is now held; null when none waits."""

    case: CaseLine | None


class CasesOut(BaseModel):
    """Cases in the order in which they should be done; `next` is what `after` takes for the next page."""

    cases: list[CaseLine]
    next: str | None


class DecisionIn(Strict):
    """What a reviewer says of a case; `undo` takes back the last decision and says nothing else but a note.

    `intent` must fit: sell, recruit or promote for an advert, the others for none. `spans` replace those found; an
    empty list says that there are none, leaving it out that nobody checked them.
    """

    decision: ChoiceWord
    intent: IntentWord | None = None
    spans: list[MarkIn] | None = Field(default=None, max_length=MAX_MARKS)
    note: Note | None = None
    appeal: AppealWord | None = None

    def marks(self) -> list[Mark] | None:
        """Leave the wire."""
        return None if self.spans is None else [span.to_mark() for span in self.spans]


class AppealsOut(BaseModel):
    """What was judged under one post id, newest first."""

    found: list[Appealed]


class FeedbackItem(DecisionIn):
    """What a platform's own reviewer decided of one post.

    Of a post that is one copy of a campaign, the decision settles that copy, or with `campaign` all of them. A post
    that was never judged here is judged by its `text`, which is kept with contacts masked.
    """

    post_id: Label
    platform: Label | None = None
    decision: FeedbackWord
    campaign: bool = False
    text: Text | None = None
    lang: Lang | None = None
    author: Label | None = None
    country: Country | None = Field(default=None, description="ISO 3166-1 alpha-2")

    def to_post(self) -> Post:
        """Leave the wire with the post that the decision is about."""
        return Post(self.post_id, self.text or "", self.lang, self.author, self.platform, self.country)


class FeedbackIn(Strict):
    """Decisions that were taken elsewhere, in the order in which they were taken."""

    decisions: list[FeedbackItem] = Field(min_length=1, max_length=MAX_DECISIONS)


class FeedbackAnswer(BaseModel):
    """What became of one decision.

    `settled`, `open` (unsure) or `escalated`: kept, with the state of its case; `unknown-post`: never judged here, and
    no text came with it; `refused`: it does not fit, and `detail` says why.
    """

    post_id: str
    status: str
    case: int | None = None
    copies: int | None = None
    detail: str | None = None


class FeedbackOut(BaseModel):
    """One answer a decision, in their order."""

    decisions: list[FeedbackAnswer]
