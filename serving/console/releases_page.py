"""The pages about releases: what is live, what each is worth, promote and roll back, what a threshold would cost."""

from __future__ import annotations

from typing import Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Request, Response

from models.detector import Detector
from models.policy import Policy
from models.registry import Registry
from serving import access, changes
from serving.console.changing import RefusedError, back_to, change, said
from serving.console.fields import fields
from serving.console.pages import page
from serving.console.parts import Parts
from serving.console.release_list import Releases, releases
from serving.console.thresholds import Curve, cost
from serving.console.visitors import visitor_of
from serving.headers import CONSOLE
from serving.keys import Scope
from serving.live import Snapshot
from serving.problems import Problem

RELEASES = f"{CONSOLE}/releases"
NOT_SET = "Releases cannot be changed here: the service was started without a registry (NPSIGHT_REGISTRY)."
NOT_ADMIN = "Releases and policies are changed with a key that has the scope admin; yours has not."
NO_POLICIES = "Policies cannot be changed here: the service was started without a folder for them (NPSIGHT_POLICIES)."
POSTS_A_DAY = 100_000.0  # what the page begins with; a team writes its own
MOST_POSTS = 1e11


def routes(parts: Parts) -> APIRouter:
    """Build the pages and their forms."""
    router = APIRouter()

    @router.get(RELEASES)
    async def show(request: Request) -> Response:
        return await _overview(request, parts)

    @router.get(f"{RELEASES}/in-force")
    async def in_force(request: Request) -> Response:
        return page(request, "releases_state.html", releases=await _releases(parts))

    @router.get(f"{RELEASES}/promote")
    async def ask_promote(request: Request) -> Response:
        return await _confirm(request, parts, "promote", request.query_params.get("version", ""))

    @router.get(f"{RELEASES}/roll-back")
    async def ask_roll_back(request: Request) -> Response:
        return await _confirm(request, parts, "roll-back", (await _releases(parts)).before)

    @router.post(f"{RELEASES}/promote", dependencies=[access.needs(Scope.ADMIN)])
    async def promote(request: Request) -> Response:
        return await _swap(request, parts, "promote")

    @router.post(f"{RELEASES}/roll-back", dependencies=[access.needs(Scope.ADMIN)])
    async def roll_back(request: Request) -> Response:
        return await _swap(request, parts, "roll-back")

    @router.get(f"{RELEASES}/versions/{{version}}")
    async def one(request: Request, version: str) -> Response:
        listed = await _releases(parts)
        if not (line := listed.line(version)):
            raise Problem("not-found", "No release of this version is here.")
        return page(request, "release.html", line=line, releases=listed, locked=_locked(request, parts))

    return router


async def _overview(request: Request, parts: Parts) -> Response:
    snapshot, listed = parts.live.snapshot, await _releases(parts)
    done, unrecorded = said(request)
    current = listed.line(listed.in_force)
    curve = current.figures.curve if current and current.figures else None
    return page(
        request,
        "releases.html",
        releases=listed,
        current=current,
        lexicon=snapshot.release.get("lexicon", ""),
        policies=policies(snapshot),
        locked=_locked(request, parts),
        policies_locked=policies_locked(request, parts),
        done=done,
        unrecorded=unrecorded,
        faults=parts.live.faults,
        **_costs(request, curve, policies(snapshot).get("default")),
    )


def policies(snapshot: Snapshot) -> dict[str, Policy]:
    """Give the policies in force by the names that requests call them by."""
    return {name: each.policy for name, each in sorted(snapshot.detects.items()) if isinstance(each, Detector)}


def policies_locked(request: Request, parts: Parts) -> str:
    """Say why policies cannot be changed, if so."""
    return _reason(request, NO_POLICIES if parts.settings.policies is None else "")


def _locked(request: Request, parts: Parts) -> str:
    return _reason(request, NOT_SET if parts.settings.registry is None else "")


def _reason(request: Request, missing: str) -> str:
    return missing or ("" if visitor_of(request).may("admin") else NOT_ADMIN)


def _costs(request: Request, curve: Curve | None, policy: Policy | None) -> dict[str, Any]:
    """Count what each threshold comes to, at the prevalence and volume that the page was asked for."""
    usual = (curve.prevalence if curve else 0.003) * 100
    percent = _within(request.query_params.get("prevalence", ""), usual, 100)
    posts = _within(request.query_params.get("posts", ""), POSTS_A_DAY, MOST_POSTS)
    points = curve.points if curve else ()
    bands = policy.bands.items() if policy else ()
    reviews = {intent.value: band.review for intent, band in bands if band.review is not None}
    return {
        "curve": curve.to_json() if curve else [],
        "costs": [cost(point, prevalence=percent / 100, posts=posts) for point in points],
        "percent_adverts": percent,
        "posts": posts,
        "set_to": max(reviews.values(), default=None),
        "several": sorted(reviews.items()) if len(set(reviews.values())) > 1 else [],
    }


def _within(words: str, otherwise: float, most: float) -> float:
    try:
        number = float(words)
    except ValueError:
        return otherwise
    return number if 0 < number <= most else otherwise


async def _releases(parts: Parts) -> Releases:
    return await run_sync(releases, parts.settings, str(parts.live.snapshot.release.get("version", "")))


async def _confirm(
    request: Request, parts: Parts, what: str, version: str, *, fault: str = "", status: int = 200
) -> Response:
    listed = await _releases(parts)
    line = listed.line(version)
    if line is None:
        raise Problem("not-found", "No release of this version is here." if version else "There is no release before.")
    values = {"line": line, "now": listed.line(listed.live), "releases": listed, "fault": fault, "what": what}
    return page(request, "release_confirm.html", status=status, locked=_locked(request, parts), **values)


async def _swap(request: Request, parts: Parts, what: str) -> Response:
    """Promote or roll back to the version that was both chosen and typed."""
    form, actor = await fields(request), visitor_of(request).reviewer
    version = form.word("version")
    try:
        if parts.settings.registry is None:
            raise RefusedError(NOT_SET)
        if form.word("typed") != version:
            raise RefusedError("The version that you typed is not the one shown. Nothing was changed.")
        registry = Registry(parts.settings.registry)
        if what == "promote":
            changed = await change(lambda: changes.promote(parts.engine, registry, version, actor))
            return back_to(RELEASES, "promoted", changed)
        if (await _releases(parts)).before != version:
            raise Problem("changed-meanwhile", "Another release was promoted or rolled back meanwhile.")
        changed = await change(lambda: changes.roll_back(parts.engine, registry, actor))
        return back_to(RELEASES, "rolled-back", changed)
    except RefusedError as error:
        return await _confirm(request, parts, what, version, fault=str(error), status=422)
