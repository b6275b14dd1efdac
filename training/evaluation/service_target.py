"""Our API at an address as a target: within the service's limits, patient while it is busy, plain when it fails."""

from __future__ import annotations

import os
import reprlib
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from models.verdict import Post, Verdict
from models.wire import verdict_from_json
from training.evaluation.answers import Answer, Target, TargetError, from_verdict, named

QUEUED = "queued"  # what the service adds to a verdict, and says nothing of the post
PATH = "/v1/classify"
MAX_POSTS, MAX_CHARACTERS = 256, 200_000  # in one request: the service's own limits, as shipped
TIMEOUT = httpx.Timeout(120, connect=10)  # seconds; a full request on one slow core stays far below
BUSY = frozenset({429, 503})
TRIES = 5
LONGEST_WAIT = 60.0  # seconds before a new try, whatever the service asks for


def http_target(address: str, *, transport: httpx.BaseTransport | None = None) -> Target:
    """Test the service at an address such as `http://127.0.0.1:8000`, under its default policy.

    A service that wants a key gets the one in the environment variable NPSIGHT_API_KEY.
    """
    try:
        url = httpx.URL(address.rstrip("/").removesuffix(PATH) + PATH)
    except httpx.InvalidURL as error:
        raise TargetError(f"{address}: no address ({error})") from error
    name = str(url.copy_with(userinfo=b"")).removesuffix(PATH)  # a password belongs in no scorecard

    key = os.environ.get("NPSIGHT_API_KEY")
    headers = {"Authorization": f"Bearer {key}"} if key else {}

    def judge(posts: Sequence[Post]) -> list[Answer]:
        with named(name), httpx.Client(transport=transport, timeout=TIMEOUT, headers=headers) as client:
            try:
                return [from_verdict(verdict) for batch in requests_of(posts) for verdict in ask(client, url, batch)]
            except httpx.HTTPError as error:
                raise TargetError(f"not reachable ({type(error).__name__}: {error})") from error

    return Target(name, judge)


def requests_of(posts: Sequence[Post]) -> Iterator[list[Post]]:
    """Cut posts into requests within the service's limits; a post that is too long goes alone, to be refused."""
    batch: list[Post] = []
    characters = 0
    for post in posts:
        if batch and (len(batch) == MAX_POSTS or characters + len(post.text) > MAX_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(post)
        characters += len(post.text)
    if batch:
        yield batch


def ask(client: httpx.Client, url: httpx.URL, posts: Sequence[Post]) -> list[Verdict]:
    """Send one request, again while the service is busy; give one verdict a post."""
    body = {"posts": [{"id": post.id, "text": post.text} for post in posts]}
    response = client.post(url, json=body)
    for tried in range(1, TRIES):
        if response.status_code not in BUSY:
            break
        time.sleep(seconds_to_wait(response.headers.get("Retry-After"), tried))
        response = client.post(url, json=body)
    if response.status_code != 200:
        raise TargetError(f"answered {response.status_code} ({problem(response)})")
    return verdicts_of(response, posts)


def seconds_to_wait(header: str | None, tried: int) -> float:
    """Read Retry-After, in seconds or as an HTTP date; without it wait 1, 2, 4 ... seconds."""
    asked = 2.0 ** (tried - 1)
    if header and header.strip().isdecimal():
        asked = float(header)
    elif header:
        with suppress(ValueError):  # what cannot be read counts as not given
            asked = parsedate_to_datetime(header).timestamp() - time.time()
    return min(max(asked, 0.0), LONGEST_WAIT)


def problem(response: httpx.Response) -> str:
    """Say what a problem document says: its title and first fault; else the status in words."""
    document = _json(response)
    if not isinstance(document, dict) or "title" not in document:
        return response.reason_phrase
    faults = document.get("errors")
    fault = faults[0] if isinstance(faults, list) and faults else None
    first = f": {fault.get('pointer')} {fault.get('detail')}" if isinstance(fault, dict) else ""
    return f"{document['title']}{first}"


def verdicts_of(response: httpx.Response, posts: Sequence[Post]) -> list[Verdict]:
    """Read the verdicts of an answer; `TargetError` when they are not one a post in the posts' order."""
    document = _json(response)
    listed = document.get("verdicts") if isinstance(document, dict) else None
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        found = reprlib.repr(response.text if document is None else document)
        raise TargetError(f'answered in a wrong shape, wanted {{"verdicts": [...]}}, found {found}')
    if len(listed) != len(posts):
        raise TargetError(f"found {len(listed)} verdicts for {len(posts)} posts")
    try:
        verdicts = [verdict_from_json({name: each[name] for name in each if name != QUEUED}) for each in listed]
    except (ValueError, AttributeError) as error:  # the second: a span that is no object
        raise TargetError(f"answered in a wrong shape: {error}") from error
    if [verdict.id for verdict in verdicts] != [post.id for post in posts]:
        raise TargetError("the verdicts are for other posts, or in another order than the posts")
    return verdicts


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None
