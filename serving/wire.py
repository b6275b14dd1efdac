"""What a client sends and gets: strict models, and the limits that no model can know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from models.verdict import Post, Verdict
from serving import forms
from serving.problems import Fault
from serving.settings import MAX_POSTS_CEILING, Settings


def _checked(fault_of: Callable[[str], str | None]) -> AfterValidator:
    def check(value: str) -> str:
        if fault := fault_of(value):
            raise PydanticCustomError("unfit", "{fault}", {"fault": fault})
        return value

    return AfterValidator(check)


def _not_endless(posts: Any) -> Any:
    if isinstance(posts, list) and len(posts) > MAX_POSTS_CEILING:
        raise PydanticCustomError("too_many", "has more than {ceiling} posts", {"ceiling": MAX_POSTS_CEILING})
    return posts


QUEUED = (
    "true: kept for the review queue, whatever dies next. false: the policy flags it, or it was drawn for the sample, "
    "and the store did not take it: keep the post and send it again. null: nothing was to be kept."
)
Label = Annotated[str, Field(min_length=1, max_length=200), _checked(forms.character_fault)]
Text = Annotated[str, Field(json_schema_extra={"minLength": 1}), _checked(forms.text_fault)]
Lang = Annotated[str, Field(max_length=35, json_schema_extra={"pattern": forms.LANG}), _checked(forms.lang_fault)]
Country = Annotated[str, Field(json_schema_extra={"pattern": forms.COUNTRY}), _checked(forms.country_fault)]
Moment = Annotated[str, Field(max_length=40, description="ISO 8601"), _checked(forms.created_at_fault)]


class Strict(BaseModel):
    """A model that takes what it names, as the type it names, and nothing else."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _known_fields(cls, data: Any) -> Any:
        """Say once that there are unknown fields: naming them would echo the client, one by one could cost seconds."""
        if isinstance(data, dict) and not data.keys() <= cls.model_fields.keys():
            known = ", ".join(cls.model_fields)
            raise PydanticCustomError("unknown_field", "has an unknown field; known are {known}", {"known": known})
        return data


class PostIn(Strict):
    """One text to judge. `author` is opaque: send a keyed hash or an internal number, not a name."""

    id: Label
    text: Text
    lang: Lang | None = None
    author: Label | None = None
    platform: Label | None = None
    country: Country | None = Field(default=None, description="ISO 3166-1 alpha-2")
    created_at: Moment | None = None


class ClassifyRequest(Strict):
    """Posts to judge under one policy. A single post is a batch of one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "posts": [{"id": "a1", "text": "2-MMC in stock, 25 a gram, write to me", "country": "NL"}],
                    "policy": "default",
                }
            ]
        }
    )

    posts: Annotated[list[PostIn], BeforeValidator(_not_endless)] = Field(min_length=1)
    policy: str = Field(default="default", max_length=100)

    def to_posts(self) -> list[Post]:
        """Leave the wire."""
        return [Post(**post.model_dump()) for post in self.posts]


@dataclass(frozen=True, slots=True)
class Answer(Verdict):
    """A verdict, and whether it was kept for the review queue."""

    queued: Annotated[bool | None, Field(description=QUEUED)] = None


class ClassifyResponse(BaseModel):
    """One verdict a post, in the order of the posts."""

    verdicts: list[Answer]


def faults(request: ClassifyRequest, *, policies: list[str], settings: Settings) -> list[Fault]:
    """List what is wrong with a well-formed request."""
    return [*_over_limits(request, settings), *_repeated(request), *_unknown_policy(request, policies)]


def _over_limits(request: ClassifyRequest, settings: Settings) -> Iterator[Fault]:
    if len(request.posts) > settings.max_posts:
        yield Fault("#/posts", f"has {len(request.posts)} posts, a request may have {settings.max_posts}")
    for place, post in enumerate(request.posts):
        if len(post.text) > settings.max_post_characters:
            said = f"has {len(post.text)} characters, a post may have {settings.max_post_characters}"
            yield Fault(f"#/posts/{place}/text", said)
    characters = sum(len(post.text) for post in request.posts)
    if characters > settings.max_characters:
        yield Fault("#/posts", f"have {characters} characters in all, a request may have {settings.max_characters}")


def _repeated(request: ClassifyRequest) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for place, post in enumerate(request.posts):
        if first.setdefault(post.id, place) != place:
            yield Fault(f"#/posts/{place}/id", f"repeats the id of post {first[post.id]}")


def _unknown_policy(request: ClassifyRequest, policies: list[str]) -> Iterator[Fault]:
    if request.policy not in policies:
        yield Fault("#/policy", f"is not a policy held here: {', '.join(policies)}")
