"""The books and queues examined: every rule that must hold, and what breaks one."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from app.reporting.doctor import examine
from portals.admin import bp
from portals.web.db import db
from portals.web.htmx import page, wants_fragment


@bp.get("/doctor")
def doctor() -> ResponseReturnValue:
    """The page comes at once and asks for the findings; without script a link does (`?examine=1`)."""
    asked = bool(request.args.get("examine")) or wants_fragment()
    findings = examine(db()) if asked else None
    return page("admin/doctor/index.html", fragment="admin/doctor/_findings.html", findings=findings)
