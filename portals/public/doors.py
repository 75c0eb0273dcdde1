"""Addresses the consultant portal had before: they lead to the same page of it."""

from __future__ import annotations

from urllib.parse import quote

from flask import redirect, request
from flask.typing import ResponseReturnValue

from portals.public import bp


@bp.get("/<any(doctor, advisor):_old>", defaults={"rest": ""}, strict_slashes=False)
@bp.get("/<any(doctor, advisor):_old>/<path:rest>")
def consultant_portal(_old: str, rest: str) -> ResponseReturnValue:
    """The path and what follows the question mark are kept."""
    query = f"?{request.query_string.decode('ascii', 'replace')}" if request.query_string else ""
    return redirect(f"/consultant/{quote(rest.lstrip('/'))}{query}", 308)
