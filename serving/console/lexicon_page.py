"""The page Lexicon: search what is a term, add one, retire one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from anyio.to_thread import run_sync
from fastapi import APIRouter, Request, Response

from models.detector import Detector
from models.reasons import CLASS_WORDS
from models.termlist import AMBIGUITIES, KINDS, Term
from models.verdict import LANGUAGES, NpsClass, Status
from serving import access, changes
from serving.console import words
from serving.console.changing import RefusedError, back_to, change, said
from serving.console.fields import Fields, fields
from serving.console.pages import page
from serving.console.parts import Parts
from serving.console.term_search import Lists, Wanted, lists, search
from serving.console.visitors import visitor_of
from serving.headers import CONSOLE
from serving.keys import Scope

LEXICON = f"{CONSOLE}/lexicon"
MAX_PHRASE = 200  # characters; the longest surface of the shipped list has 60
NOT_SET = "Terms cannot be changed here: the service was started without a file for them (NPSIGHT_TERMS)."
NOT_ADMIN = "Terms are changed with a key that has the scope admin; yours has not."


def routes(parts: Parts) -> APIRouter:
    """Build the page and its forms."""
    router = APIRouter()

    @router.get(LEXICON)
    async def show(request: Request) -> Response:
        return await _page(request, parts, {})

    @router.get(f"{LEXICON}/in-force")
    async def in_force(request: Request) -> Response:
        return page(request, "lexicon_state.html", lists=await _lists(parts))

    @router.post(f"{LEXICON}/add", dependencies=[access.needs(Scope.ADMIN)])
    async def add(request: Request) -> Response:
        form = await fields(request)
        options = {name: form.word(name) for name in ("substance", "nps_class", "kind", "lang", "ambiguity")}
        surface, actor = form.word("surface"), visitor_of(request).reviewer
        try:
            path = _path(parts)
            _check(surface, options["substance"])
            changed = await change(lambda: changes.add_term(parts.engine, path, surface, **options, actor=actor))
        except RefusedError as error:
            return await _page(request, parts, form, fault=str(error), status=422)
        return back_to(LEXICON, "added", changed, q=surface)

    @router.post(f"{LEXICON}/retire", dependencies=[access.needs(Scope.ADMIN)])
    async def retire(request: Request) -> Response:
        form = await fields(request)
        surface, actor = form.word("surface"), visitor_of(request).reviewer
        try:
            path = _path(parts)
            _check(surface, surface)
            changed = await change(lambda: changes.retire_term(parts.engine, path, surface, actor=actor))
        except RefusedError as error:
            return await _page(request, parts, form, fault=str(error), status=422)
        return back_to(LEXICON, "retired", changed, q=surface)

    return router


async def _page(
    request: Request, parts: Parts, form: Fields | dict[str, str], *, fault: str = "", status: int = 200
) -> Response:
    asked = request.query_params
    wanted = Wanted(*(asked.get(name, "").strip()[:MAX_PHRASE] for name in ("q", "class", "lang", "status", "source")))
    number = asked.get("page", "1")
    at = int(number) if number.isascii() and number.isdecimal() and len(number) < 6 else 1
    terms = _terms(parts)
    found = await run_sync(search, terms, wanted, at)
    done, unrecorded = said(request)
    values: dict[str, Any] = {
        "wanted": wanted,
        "found": found,
        "total": len(terms),
        "turn": f"{LEXICON}?{urlencode(wanted.query() | {'page': ''})}",
        "lists": await _lists(parts),
        "locked": "" if parts.settings.terms and visitor_of(request).may("admin") else _reason(parts),
        "form": form,
        "fault": fault,
        "done": done,
        "unrecorded": unrecorded,
        "classes": [(each.value, CLASS_WORDS[each]) for each in NpsClass],
        "class_words": CLASS_WORDS,
        "langs": [("*", "every language"), *((code, words.language(code)) for code in LANGUAGES)],
        "statuses": [(each.value, each.value) for each in Status],
        "sources": [(each, "added here" if each == "overlay" else each) for each in _sources(terms)],
        "kinds": [(each, each) for each in KINDS],
        "ambiguities": [(each, each) for each in AMBIGUITIES],
    }
    return page(request, "lexicon.html", status=status, **values)


def _terms(parts: Parts) -> Sequence[Term]:
    detect = parts.live.snapshot.detects["default"]
    return detect.lexicon.terms if isinstance(detect, Detector) else ()


def _sources(terms: Sequence[Term]) -> list[str]:
    return sorted({source for term in terms for source in term.source.split(",") if source})


async def _lists(parts: Parts) -> Lists | None:
    if parts.settings.terms is None:
        return None
    return await run_sync(lists, str(parts.live.snapshot.release.get("lexicon", "")), parts.settings.terms)


def _path(parts: Parts) -> Path:
    if parts.settings.terms is None:
        raise RefusedError(NOT_SET)
    return parts.settings.terms


def _reason(parts: Parts) -> str:
    return NOT_ADMIN if parts.settings.terms else NOT_SET


def _check(*phrases: str) -> None:
    if any(len(phrase) > MAX_PHRASE for phrase in phrases):
        raise RefusedError(f"A term has {MAX_PHRASE} characters at most.")
