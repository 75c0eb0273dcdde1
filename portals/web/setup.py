"""Everything of this package, put onto an application in one call. Sessions, guards, the database: the factory's."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from flask_wtf.csrf import CSRFProtect

from portals.web import (
    appearance,
    assets,
    compress,
    errors,
    filters,
    headers,
    i18n,
    logging,
    nav,
    ratelimit,
    received,
    templating,
)

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "templates"
STATIC = ROOT / "static"
MAX_UPLOAD = 32 * 1024 * 1024  # the factory sets it: Flask knows the name, so a default set here would not count

csrf = CSRFProtect()


def init_app(app: Flask, static: Path = STATIC) -> None:
    """Needs `app.secret_key`. Give Flask `template_folder=TEMPLATES, static_folder=None`."""
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.config.setdefault("WTF_CSRF_TIME_LIMIT", 12 * 3600)
    for part in (logging, received, compress, i18n, templating, filters, nav, appearance, errors, headers, ratelimit):
        part.init_app(app)
    assets.init_app(app, static)
    csrf.init_app(app)
