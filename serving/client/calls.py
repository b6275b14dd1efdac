"""The calls of the API as steps: posts cut into requests, answers read into values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any
from uuid import uuid4

from models.verdict import Post, Verdict
from models.wire import verdict_from_json
from serving.client.errors import AnswerError, ClientError, parsed
from serving.client.exchange import Answer, Ask, Limits, Patience, Steps, exchange

JSON = {"Content-Type": "application/json"}
FEEDBACK_AT_ONCE = 100  # decisions in one request: each is a few rows in the store
_FIELDS = tuple(field.name for field in fields(Verdict))


@dataclass(frozen=True, slots=True)
class Judged(Verdict):
    """A verdict, and whether the review queue has it: None when it need not, False when the store was down."""

    queued: bool | None = None


def classify(posts: Sequence[Post], policy: str, limits: Limits, patience: Patience) -> Steps[list[Judged]]:
    """Judge posts in order, however many."""
    verdicts: list[Judged] = []
    try:
        for batch in cut(posts, limits):
            body = {"posts": [_said(post) for post in batch], "policy": policy}
            answer = yield from exchange(Ask("POST", "v1/classify", _json(body), JSON), patience)
            verdicts += _judged(answer, batch)
    except ClientError as error:
        error.done = verdicts
        raise
    return verdicts


def feedback(decisions: Sequence[Mapping[str, Any]], key: str | None, patience: Patience) -> Steps[list[Any]]:
    """Send decisions; each request keeps its idempotency key over its tries, so that none counts twice."""
    key, answers = key or uuid4().hex, list[Any]()
    try:
        for place in range(0, len(decisions), FEEDBACK_AT_ONCE):
            part = [dict(each) for each in decisions[place : place + FEEDBACK_AT_ONCE]]
            headers = {**JSON, "Idempotency-Key": f"{key}-{place}"}
            answer = yield from exchange(Ask("POST", "v1/feedback", _json({"decisions": part}), headers), patience)
            answers += _list_of(answer, "decisions", len(part))
    except ClientError as error:
        error.done = answers
        raise
    return answers


def release(patience: Patience) -> Steps[dict[str, Any]]:
    """Ask which release answers."""
    answer = yield from exchange(Ask("GET", "v1/release"), patience)
    document = parsed(answer.body)
    if not isinstance(document, dict):
        raise AnswerError("the answer is no JSON object")
    return document


def cut(posts: Sequence[Post], limits: Limits) -> Iterator[list[Post]]:
    """Cut posts into requests; one that is too long by itself goes alone, for the service to refuse."""
    batch: list[Post] = []
    characters = 0
    for post in posts:
        if batch and (len(batch) == limits.max_posts or characters + len(post.text) > limits.max_characters):
            yield batch
            batch, characters = [], 0
        batch.append(post)
        characters += len(post.text)
    if batch:
        yield batch


def _said(post: Post) -> dict[str, Any]:
    return {name: value for name, value in asdict(post).items() if value is not None}


def _json(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _list_of(answer: Answer, name: str, count: int) -> list[Any]:
    document = parsed(answer.body)
    listed = document.get(name) if isinstance(document, dict) else None
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise AnswerError(f"the answer has no list of {name}")
    if len(listed) != count:
        raise AnswerError(f"the answer has {len(listed)} {name}, wanted {count}")
    return listed


def _judged(answer: Answer, posts: Sequence[Post]) -> list[Judged]:
    listed = _list_of(answer, "verdicts", len(posts))
    try:
        verdicts = [_verdict(each) for each in listed]
    except (ValueError, AttributeError, TypeError) as error:
        raise AnswerError(f"a verdict in the answer cannot be read: {type(error).__name__}") from None
    if [verdict.id for verdict in verdicts] != [post.id for post in posts]:
        raise AnswerError("the verdicts are for other posts, or in another order")
    return verdicts


def _verdict(said: Mapping[str, Any]) -> Judged:
    """Read what this version knows: a newer service may say more."""
    verdict = verdict_from_json({name: said[name] for name in _FIELDS if name in said})
    queued = said.get("queued")
    values = {name: getattr(verdict, name) for name in _FIELDS}
    return Judged(**values, queued=queued if isinstance(queued, bool) else None)
