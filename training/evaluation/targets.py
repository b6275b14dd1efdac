"""What the functional suite can be run on: a release, our API at an address, or any Python function."""

from __future__ import annotations

import importlib
import os
import re
import reprlib
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from models.release import load_detector, open_release
from models.verdict import Post
from training.evaluation.answers import Answer, Target, TargetError, judge_with, named, read_answer
from training.evaluation.service_target import http_target

__all__ = ["Answer", "Target", "TargetError", "function_target", "http_target", "open_target"]

FUNCTION = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


def open_target(words: str, *, threads: int | None = None, threshold: float = 0.5) -> Target:
    """Open a release folder, an address or `package.module:function`; `threshold` is for a function's probabilities."""
    if words.lower().startswith(("http://", "https://")):
        return http_target(words)
    if Path(words).is_dir():
        release = open_release(Path(words))
        return Target(f"npsight {release.version}", judge_with(load_detector(release, threads=threads)))
    if FUNCTION.fullmatch(words):
        return function_target(words, threshold=threshold)
    raise TargetError(f"{words}: no such folder, wanted a release folder, http://... or package.module:function")


def function_target(words: str, *, threshold: float = 0.5) -> Target:
    """Test a function that takes a list of texts and gives a list with one answer a text."""
    function = load_function(words)

    def judge(posts: Sequence[Post]) -> list[Answer]:
        found = function([post.text for post in posts])
        with named(words):
            if not isinstance(found, Iterable) or isinstance(found, str | bytes | Mapping):
                raise TargetError(f"found {reprlib.repr(found)} ({type(found).__name__}), wanted a list of answers")
            values = list(found)
            if len(values) != len(posts):
                raise TargetError(f"found {len(values)} answers for {len(posts)} texts")
            return [read_answer(value, threshold=threshold) for value in values]

    return Target(words, judge)


def load_function(words: str) -> Callable[[list[str]], Any]:
    """Import `package.module:function`, from the current folder too."""
    module_name, _, name = words.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # last, so that a file there shadows no installed package
    importlib.invalidate_caches()  # the file may be seconds old
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise TargetError(f"{words}: cannot be imported ({error})") from error
    function: Callable[[list[str]], Any] | None = getattr(module, name, None)
    if not callable(function):
        where = getattr(module, "__file__", None) or module_name
        raise TargetError(f"{words}: found no function {name!r} in {where}")
    return function
