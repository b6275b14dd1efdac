"""What a call may raise. None of it quotes a post: an error ends up in a log."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any


class ClientError(Exception):
    """A call that brought no result. `done` has what earlier requests of the same call brought."""

    done: Sequence[Any] = ()


class UnreachableError(ClientError):
    """No answer came in time; nobody knows whether the last request was received."""


class AnswerError(ClientError):
    """An answer came that is none of npsight's: something else listens there, or a proxy spoke."""


class ApiError(ClientError):
    """The service said no, in a problem document (RFC 9457); `type` ends in one of the words of docs/service.md."""

    def __init__(
        self, *, status: int, type: str, title: str, detail: str = "", errors: Sequence[Mapping[str, str]] = ()
    ) -> None:
        self.status, self.type, self.title, self.detail, self.errors = status, type, title, detail, tuple(errors)
        first = "".join(f" ({each.get('pointer', '#')} {each.get('detail', '')})" for each in errors[:1])
        super().__init__(f"{status} {title}" + (f": {detail}" if detail else "") + first)

    def __reduce__(self) -> tuple[Any, ...]:
        """Survive the way between processes: an exception with keyword arguments does not by itself."""
        return _api_error, (self.status, self.type, self.title, self.detail, self.errors)


def _api_error(status: int, type: str, title: str, detail: str, errors: Sequence[Mapping[str, str]]) -> ApiError:
    return ApiError(status=status, type=type, title=title, detail=detail, errors=errors)


def api_error(status: int, body: bytes) -> ApiError:
    """Read a refusal; one that is no problem document, as a proxy's page, is told by its status alone."""
    document = parsed(body)
    if not isinstance(document, dict) or not isinstance(document.get("title"), str):
        return ApiError(status=status, type="about:blank", title=_phrase(status))
    errors = document.get("errors")
    listed = [each for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []
    said = {name: str(document.get(name, "")) for name in ("type", "title", "detail")}
    return ApiError(status=status, errors=listed, **said)


def parsed(body: bytes) -> Any:
    """Read JSON; None when it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown status"
