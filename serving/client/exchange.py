"""One request with its tries, without any input or output: the clients do what it yields and send back what came."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import Any, TypeVar

from serving.client.errors import ApiError, ClientError, UnreachableError, api_error

T = TypeVar("T")
AGAIN = frozenset({408, 429, 502, 503, 504})
"""What another try may cure: too slow, too much, or, from us or from a proxy, not there just now."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may hold; the service's defaults, so change both together."""

    max_posts: int = 256
    max_characters: int = 200_000


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often one request is tried."""

    deadline_seconds: float = 60  # of one request with all its tries; a call of many requests may take many of them
    try_seconds: float = 30  # of one try: the service's own deadline is 10
    first_pause: float = 0.5  # doubled with each try; what is waited is drawn below it, so that clients part ways
    longest_pause: float = 20
    draw: Callable[[float, float], float] = field(default=random.uniform, repr=False)
    clock: Callable[[], float] = field(default=monotonic, repr=False)


@dataclass(frozen=True, slots=True)
class Ask:
    """One request as it goes out."""

    method: str
    path: str
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Send:
    """Do this: send it, and be back within so many seconds with an `Answer` or what prevented one."""

    ask: Ask
    seconds: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Do this: wait."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; the names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Steps = Generator[Send | Wait, "Answer | Exception | None", T]
"""A call as steps: yields what to do, is sent what came of it, and returns the result."""


def exchange(ask: Ask, patience: Patience) -> Steps[Answer]:
    """Try one request until it is answered, refused for good, or its time is up."""
    end = patience.clock() + patience.deadline_seconds
    tried = 0
    while True:
        got = yield Send(ask, max(0.001, min(patience.try_seconds, end - patience.clock())))
        if isinstance(got, Answer) and got.status == 200:
            return got
        tried += 1
        failure = _failure(got, tried)
        if isinstance(failure, ApiError) and failure.status not in AGAIN:
            raise failure
        pause = _pause(got, tried, patience)
        if patience.clock() + pause >= end:
            raise failure
        yield Wait(pause)


def _failure(got: Any, tried: int) -> ClientError:
    if isinstance(got, Answer):
        return api_error(got.status, got.body)
    error = UnreachableError(f"no answer, tries: {tried}, the last: {type(got).__name__}")
    error.__cause__ = got
    return error


def _pause(got: Any, tried: int, patience: Patience) -> float:
    """Wait what the service asks for, and a share drawn by chance of a pause that doubles."""
    asked = retry_after(got.headers.get("retry-after", "")) if isinstance(got, Answer) else 0.0
    doubled = patience.first_pause * 2.0 ** min(tried - 1, 30)
    return asked + patience.draw(0, min(patience.longest_pause, doubled))


def retry_after(header: str) -> float:
    """Read seconds or an HTTP date; what cannot be read counts as not said."""
    if header.isascii() and header.isdecimal():
        return float(header[:9])
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return 0.0
    return max(0.0, (moment.astimezone(UTC) - datetime.now(UTC)).total_seconds())
