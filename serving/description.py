"""The OpenAPI description as docs/openapi.json has it: of the routes, whatever is served and however it is set."""

from __future__ import annotations

import json

from sqlalchemy import create_engine

from serving.app import create_app
from serving.settings import Settings


def description() -> str:
    """Write the description of a service with the settings as shipped; nothing is opened, loaded or asked."""
    settings = Settings.model_construct()  # the defaults: what the environment says is this machine's own affair
    app = create_app({"default": lambda posts: []}, {}, settings, engine=create_engine("sqlite://"))
    return json.dumps(app.openapi(), ensure_ascii=False, indent=2, sort_keys=True)
