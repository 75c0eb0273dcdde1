"""Helpers of the sandbox. Not registered in live mode."""

from __future__ import annotations

from flask import Blueprint, abort
from flask.typing import ResponseReturnValue

from app.core.scope import Scope
from app.core.settings import settings
from portals.web.db import use_scope

bp = Blueprint("dev", __name__, url_prefix="/dev")


@bp.before_request
def _sandbox_only() -> ResponseReturnValue | None:
    if not settings().sandbox:
        abort(404)
    use_scope(Scope.platform("sandbox mailbox"))
    return None


from portals.dev import mailbox  # noqa: E402,F401 - the views of this blueprint
