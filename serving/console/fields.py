"""Forms of the console: what they carry, and that they come from a page of ours."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

from fastapi import Depends, Request

from serving.console.visitors import visitor_of
from serving.forms import character_fault
from serving.problems import Fault, Problem, invalid_request

TOKEN = "token"
TOKEN_HEADER = "x-form-token"
MAX_FIELDS = 500
FORM = "application/x-www-form-urlencoded"


class Fields(dict[str, str]):
    """The fields of one form; of a name that stands more than once, `all` gives every value."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs

    def all(self, name: str) -> list[str]:
        """Give every value under a name, in the order of the page."""
        return [value for each, value in self.pairs if each == name]

    def word(self, name: str) -> str:
        """Give a value without the white space around it; empty where there is none."""
        return self.get(name, "").strip()


async def fields(request: Request) -> Fields:
    """Read the form of a request; `invalid-request` for what is none. No field is quoted in what is said."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != FORM:
        raise Problem("wrong-media-type", "Send the form as its page does.")
    try:
        written = (await request.body()).decode("utf-8")
        pairs = parse_qsl(written, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError:  # its words would quote the form
        raise invalid_request([Fault("#", "is not a form in UTF-8")]) from None
    if faults := list(_faults(pairs)):
        raise invalid_request(faults)
    return Fields([(name, value.replace("\r\n", "\n")) for name, value in pairs])  # as it was typed


def _faults(pairs: list[tuple[str, str]]) -> Iterator[Fault]:
    for at, pair in enumerate(pairs, 1):
        if fault := next(filter(None, map(character_fault, pair)), None):
            yield Fault("#", f"field {at} {fault}")


async def check_form(request: Request) -> None:
    """Refuse what no page of ours sent: for everything but a look, the token and the browser's own word are asked."""
    if request.method in ("GET", "HEAD"):
        return
    if not from_our_page(request):
        raise Problem("forbidden", "This form was sent from a page of another site.")
    shown = request.headers.get(TOKEN_HEADER) or (await fields(request)).get(TOKEN, "")
    if not hmac.compare_digest(shown.encode(), visitor_of(request).token.encode()):
        said = "This form is not of your session: it may be older than your last sign-in. Go back, reload, send again."
        raise Problem("forbidden", said)


def from_our_page(request: Request) -> bool:
    """Say whether the browser names our own page as the sender; an old browser names none and has only the token."""
    if site := request.headers.get("sec-fetch-site"):
        return site == "same-origin"
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


CHECKED = Depends(check_form)
"""Stands before every route of the console."""
