"""Light or dark: a cookie, printed into the page, so that nothing flashes and no script is needed."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, abort, redirect, request
from flask_babel import get_locale

from app.core.settings import settings

COOKIE = "q_theme"
THEMES = ("light", "dark")
_A_YEAR = 31_536_000

bp = Blueprint("appearance", __name__)


def theme() -> str | None:
    """The reader's choice, or None for what their system says."""
    chosen = request.cookies.get(COOKIE)
    return chosen if chosen in THEMES else None


def back_url(default: str = "/") -> str:
    """The page of this site the reader came from, as a path; never another site."""
    parts = urlsplit(request.referrer or "")
    if parts.netloc != request.host or not parts.path.startswith("/") or parts.path.startswith("//"):
        return default
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


@bp.post("/theme", endpoint="theme")
def set_theme() -> Response:
    chosen = request.form.get("theme", "")
    if chosen not in THEMES:
        abort(422)
    answer = redirect(back_url(), 303)
    # Script sets the same cookie, so it is not HttpOnly; it holds nothing but a word.
    answer.set_cookie(COOKIE, chosen, max_age=_A_YEAR, samesite="Lax", secure=request.is_secure)
    return answer  # type: ignore[return-value]


def init_app(app: Flask) -> None:
    app.register_blueprint(bp)
    app.jinja_env.globals.update(theme=theme, sandbox=lambda: settings().sandbox, get_locale=get_locale)
