"""Start the service: settings to one or more processes, each with an app of its own on one shared socket."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import uvicorn
from fastapi import FastAPI

from serving.app import live_app
from serving.first_key import first_key
from serving.loading import Loader, check_settings
from serving.observe.logs import set_up_logs
from serving.observe.metrics import shared_by
from serving.protocol import PatientProtocol
from serving.settings import Settings
from serving.store.engine import open_engine


def run_server(given: Mapping[str, Any]) -> None:
    """Serve until stopped; `given` goes before the environment."""
    settings = Settings(**given)
    release = check_settings(settings)
    if not settings.local:
        for line in first_key(open_engine(settings.store)):
            print(line, flush=True)
    os.environ |= {f"NPSIGHT_{name.upper()}": str(value) for name, value in given.items()}  # for the workers
    print(f"npsight {release.version} on http://{settings.host}:{settings.port} (docs at /docs)", flush=True)
    set_up_logs(settings.log_format)
    with shared_by(settings.workers):
        uvicorn.run(
            "serving.run:app_of_environment", factory=True, workers=settings.workers, **server_options(settings)
        )


def server_options(settings: Settings) -> dict[str, Any]:
    """Say how the server listens and speaks, whatever app it serves."""
    return {
        "host": settings.host,
        "port": settings.port,
        "http": PatientProtocol,
        "ws": "none",  # no route of ours is a websocket
        "log_config": None,  # its lines go where ours go
        "log_level": "warning",
        "access_log": False,  # ours has the route and the request's id, and no path
        "server_header": False,
        "proxy_headers": bool(settings.trusted_proxies),
        "forwarded_allow_ips": list(settings.trusted_proxies),
        "timeout_graceful_shutdown": 1,  # by then everything is answered: see serving/lifespan.py
    }


def app_of_environment() -> FastAPI:
    """Build one process's app; what it says of itself goes to stderr."""
    settings = Settings()
    set_up_logs(settings.log_format)
    loader = Loader(settings)
    return live_app(loader.snapshot, settings, loader)
