"""A small application of nothing but the shared edge and the living page, for tests that need no database."""

from __future__ import annotations

from typing import Any

from flask import Flask

from portals.web import components_page, setup


def make_app(*, shared_limits: bool = False, **config: Any) -> Flask:
    """With `shared_limits` they are counted where the settings say, else in this process."""
    app = Flask("sample", template_folder=str(setup.TEMPLATES), static_folder=None)
    app.secret_key = "only for these tests, but long enough"
    app.config.update({"RATELIMIT_STORAGE_URI": "memory://", "WTF_CSRF_ENABLED": False, **config})
    if shared_limits:
        del app.config["RATELIMIT_STORAGE_URI"]
    setup.init_app(app)
    app.register_blueprint(components_page.bp)
    return app
