"""One thing on disk that may change while the service runs: its last good value, and why a newer one is no good."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from models.termlist import TermError

S = TypeVar("S")
T = TypeVar("T")
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0  # seconds between tries of a thing that stays broken: a release is slow to load


# The first that fits; `public` is what our own errors say of themselves.
SAID: Sequence[tuple[type | tuple[type, ...], Callable[[Any], str]]] = (
    (Exception, lambda error: str(getattr(error, "public", ""))),
    (TermError, lambda error: f"is not a list of terms, see its line {error.line}"),
    (json.JSONDecodeError, lambda error: f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"),
    (UnicodeDecodeError, lambda _: "is not UTF-8"),
    (OSError, lambda error: f"cannot be read: {error.strerror}"),
    ((KeyError, TypeError, AttributeError), lambda _: "has an unknown key, lacks one, or a value has another form"),
)


class Watched(Generic[S, T]):
    """A value, made anew when what it stands on has changed, or when the last try failed."""

    def __init__(self, name: str, seen: S, value: T) -> None:
        self.name, self.value, self.fault = name, value, ""
        self.changes = 0
        self._seen, self._wait, self._again = seen, FIRST_WAIT, 0.0

    def look(self, see: Callable[[], S], make: Callable[[S], T]) -> None:
        """See what is there; where it is new, make the value of it, or keep the last good one and say why."""
        try:
            seen = see()
            if seen != self._seen:
                self._seen, self._wait = seen, FIRST_WAIT
            elif not self.fault or time.monotonic() < self._again:
                return
            self.value, self.fault = make(seen), ""
            self.changes += 1
        except Exception as error:  # whatever is wrong with a file, the service must live to say so
            self.fault = f"{self.name}: {said_publicly(error)}"
            self._again = time.monotonic() + self._wait
            self._wait = min(2 * self._wait, LONGEST_WAIT)

    def current(self, see: Callable[[], S]) -> bool:
        """Say whether there is still what was seen last; what cannot be seen is for the next look to say."""
        try:
            return see() == self._seen
        except Exception:
            return True


def said_publicly(error: BaseException) -> str:
    """Say what is wrong without a word of what the file holds: terms and thresholds are not for every eye."""
    for each in (error, error.__cause__):
        for kind, said in SAID:
            if isinstance(each, kind) and (words := said(each)):
                return words
    return "holds a value that is not allowed" if isinstance(error, ValueError) else f"failed: {type(error).__name__}"
