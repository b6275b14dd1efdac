"""The page Try it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from models.reasons import CLASS_WORDS
from models.verdict import LANGUAGES, Verdict
from serving import access
from serving.console import trying, words
from serving.console.fields import fields
from serving.console.marks import KIND_WORDS, SOURCE_WORDS
from serving.console.pages import page
from serving.console.parts import Parts
from serving.console.trying import Asked, Tried
from serving.headers import CONSOLE
from serving.live import Snapshot
from serving.problems import Problem
from serving.review.desk import Desk
from serving.review.meaning import NOTHING_DECIDED, Experience, experience, meaning

TRY = f"{CONSOLE}/try"


def routes(parts: Parts) -> APIRouter:
    """Build the page: a form, and below it what its post was judged to be."""
    router, desk = APIRouter(), Desk(parts.engine)

    @router.get(TRY)
    async def empty(request: Request) -> Response:
        return _page(request, parts.live.snapshot, Asked())

    @router.post(TRY)
    async def judge(request: Request) -> Response:
        snapshot = parts.live.snapshot
        asked = trying.asked_by(await fields(request))
        if faults := asked.faults(list(snapshot.detects), longest=parts.settings.max_post_characters):
            return _page(request, snapshot, asked, faults=faults, status=422)
        return _page(request, snapshot, asked, tried=await _tried(request, snapshot, asked), seen=await _seen())

    async def _seen() -> Experience:
        """Read what was decided so far; a trial works without the store too."""
        try:
            return await desk.read(experience)
        except Problem:
            return NOTHING_DECIDED

    async def _tried(request: Request, snapshot: Snapshot, asked: Asked) -> Tried:
        detect = snapshot.detects[asked.policy]
        posts = trying.judged(asked)
        plain = trying.unread(detect) if asked.written else None
        await access.take_posts(request, len(posts) + bool(plain))
        verdicts = await parts.batcher.judge(detect, posts)
        written: Verdict | None = None
        if plain:
            (written,) = await parts.batcher.judge(plain, posts[:1])
        return trying.shown(asked, detect, verdicts, written)

    return router


def _page(
    request: Request,
    snapshot: Snapshot,
    asked: Asked,
    *,
    tried: Tried | None = None,
    seen: Experience = NOTHING_DECIDED,
    faults: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    values: dict[str, Any] = {
        "asked": asked,
        "tried": tried,
        "faults": faults or {},
        "policies": [(name, snapshot.release.get("policies", {}).get(name, name)) for name in sorted(snapshot.detects)],
        "langs": [(code, words.language(code)) for code in LANGUAGES],
        "kinds": [(kind.value, said) for kind, said in KIND_WORDS.items()],
        "sources": SOURCE_WORDS,
        "prevalence": _prevalence(snapshot, asked.policy),
        "meaning": meaning(tried.verdict.advert_probability, seen) if tried else "",
        "intents": _bars(tried) if tried else [],
        "classes": CLASS_WORDS,
        "advised": words.ADVISED,
    }
    return page(request, "try.html", status=status, **values)


def _bars(tried: Tried) -> list[tuple[str, float, float | None]]:
    """List the intents in words, the likeliest first, and beside each what it is without what was left out."""
    verdict, without = tried.verdict, tried.without
    ranked = sorted(verdict.intents, key=lambda intent: -verdict.intents[intent])
    return [
        (words.INTENT_WORDS[each], verdict.intents[each], without.intents[each] if without else None) for each in ranked
    ]


def _prevalence(snapshot: Snapshot, policy: str) -> float | None:
    """Give the share of adverts that the policy's probabilities are meant for."""
    bound = getattr(snapshot.detects.get(policy), "policy", None)
    return float(bound.prevalence) if bound else None
