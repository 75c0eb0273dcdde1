"""What anybody may see: the start page, and the two addresses that tell whether we are well."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("public", __name__)

from portals.public import (  # noqa: E402,F401 - the views of this blueprint
    advisors,
    doors,
    files,
    go,
    health,
    landing,
    unsubscribe,
    verify,
)
