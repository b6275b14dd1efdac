"""Start the service: settings to a loaded release, one detector a policy, one process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import uvicorn

from models.policy import load_policy
from models.registry import Registry
from models.release import DEFAULT_RELEASE, Release, load_detector, open_release
from models.verdict import Detect
from serving.app import create_app
from serving.first_key import first_key
from serving.settings import Settings
from serving.store.engine import open_engine


def run_server(given: Mapping[str, Any]) -> None:
    """Serve until stopped; `given` goes before the environment."""
    settings = Settings(**given)
    release = chosen_release(settings)
    engine = open_engine(settings.store)
    if not settings.local:
        for line in first_key(engine):
            print(line, flush=True)
    app = create_app(load_detects(release, settings), release.describe(), settings, engine=engine)
    print(f"npsight {release.version} on http://{settings.host}:{settings.port} (docs at /docs)", flush=True)
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
    )


def chosen_release(settings: Settings) -> Release:
    """Open the registry's live release, the given folder, or the shipped one."""
    if settings.registry and settings.release:
        raise ValueError("release and registry are both set: wanted one of them")
    return (
        Registry(settings.registry).live() if settings.registry else open_release(settings.release or DEFAULT_RELEASE)
    )


def load_detects(release: Release, settings: Settings) -> dict[str, Detect]:
    """Load one detector and bind it to the release's policy and to each in the policies folder."""
    detector = load_detector(release, threads=settings.threads)
    detects: dict[str, Detect] = {"default": detector}
    for path in sorted(settings.policies.glob("*.json")) if settings.policies else ():
        policy = load_policy(path)
        if policy.name != path.stem:
            raise ValueError(f"{path}: found the policy name {policy.name!r}, wanted the file's own {path.stem!r}")
        detects[policy.name] = detector.under(policy)
    return detects
