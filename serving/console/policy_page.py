"""The page of one policy: its thresholds and carve-outs as a form."""

from __future__ import annotations

from typing import Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Request, Response

from models.policy import Policy
from models.verdict import Decision, NpsClass
from serving import access, changes
from serving.changes import NAME
from serving.console import policy_form, words
from serving.console.changing import RefusedError, back_to, change
from serving.console.fields import Fields, fields
from serving.console.pages import page
from serving.console.parts import Parts
from serving.console.policy_form import ADVERTS, BANDS
from serving.console.releases_page import NO_POLICIES, RELEASES, policies, policies_locked
from serving.console.visitors import visitor_of
from serving.keys import Scope
from serving.problems import Problem

POLICY = f"{RELEASES}/policies/{{name}}"
NEW = "new"


def routes(parts: Parts) -> APIRouter:
    """Build the page and its forms; the policy called `new` is the form for one that is not there yet."""
    router = APIRouter()

    @router.get(POLICY)
    async def show(request: Request, name: str) -> Response:
        return await _page(request, parts, name)

    @router.post(POLICY, dependencies=[access.needs(Scope.ADMIN)])
    async def put(request: Request, name: str) -> Response:
        form, actor = await fields(request), visitor_of(request).reviewer
        wanted = form.word("name") if name == NEW else name
        try:
            if (folder := parts.settings.policies) is None:
                raise RefusedError(NO_POLICIES)
            if name == NEW and (wanted == NEW or wanted in policies(parts.live.snapshot)):
                raise RefusedError("There is a policy of this name already.")
            written = policy_form.content(form, name=wanted)
            changed = await change(lambda: changes.put_policy(parts.engine, folder, written, actor))
        except RefusedError as error:
            return await _page(request, parts, name, form=form, fault=str(error), status=422)
        return back_to(RELEASES, "policy", changed)

    @router.post(f"{POLICY}/withdraw", dependencies=[access.needs(Scope.ADMIN)])
    async def withdraw(request: Request, name: str) -> Response:
        actor = visitor_of(request).reviewer
        try:
            if (folder := parts.settings.policies) is None:
                raise RefusedError(NO_POLICIES)
            changed = await change(lambda: changes.remove_policy(parts.engine, folder, name, actor))
        except RefusedError as error:
            return await _page(request, parts, name, fault=str(error), status=422)
        return back_to(RELEASES, "withdrawn", changed)

    return router


async def _page(
    request: Request, parts: Parts, name: str, *, form: Fields | None = None, fault: str = "", status: int = 200
) -> Response:
    in_force = policies(parts.live.snapshot)
    own = await run_sync(policy_form.in_folder, parts.settings.policies, name) if NAME.fullmatch(name) else None
    policy = own or in_force.get("default" if name == NEW else name)
    if policy is None:
        raise Problem("not-found", "No policy of this name is in force.")
    values: dict[str, Any] = {
        "name": name,
        "new": name == NEW,
        "policy": policy,
        "in_force": in_force.get(name),
        "own": own is not None,
        "numbers": _numbers(policy, form),
        "carve_outs": _carve_outs(policy, form),
        "adverts": [(each.value, words.INTENT_WORDS[each]) for each in ADVERTS],
        "decisions": [(each.value, words.ADVISED[each.value]) for each in (Decision.ALLOW, Decision.REVIEW)],
        "class_names": [each.value for each in NpsClass],
        "form": form or {},
        "fault": fault,
        "locked": policies_locked(request, parts),
    }
    return page(request, "policy.html", status=status, **values)


def _numbers(policy: Policy, form: Fields | None) -> dict[str, str]:
    """Give the number fields as they were typed, else as the policy has them."""
    bands = {f"{intent}-{band}": getattr(policy.bands[intent], band) for intent in ADVERTS for band in BANDS}
    had = {"prevalence": f"{policy.prevalence * 100:.6g}"}
    had |= {name: "" if value is None else f"{value:.6g}" for name, value in bands.items()}
    return {name: form.get(name, value) if form else value for name, value in had.items()}


def _carve_outs(policy: Policy, form: Fields | None) -> list[policy_form.Row]:
    had = policy_form.rows(policy)
    if not form:
        return had
    names = ("countries", "nps_classes", "substances", "at_most", "why")
    return [policy_form.Row(*(form.get(f"{name}-{at}", "") for name in names)) for at in range(len(had))]
