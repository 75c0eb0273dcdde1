"""What clients wrote of a consultant: of them the first name. What the platform hid is there, with the reason."""

from __future__ import annotations

from flask import g
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from app.consultations import reviews
from portals.consultant import bp
from portals.web import paging
from portals.web.db import db
from portals.web.htmx import page

PAGE = 20
MARKS = (("expertise", _l("Expertise")), ("communication", _l("Communication")), ("helpfulness", _l("Helpfulness")))


@bp.get("/reviews", endpoint="reviews")
def index() -> ResponseReturnValue:
    want = paging.wanted(PAGE)
    found = reviews.of_payee(db(), g.actor.payee_id, want.cursor, want.limit)
    return page(
        "consultant/reviews/index.html", fragment="consultant/reviews/_list.html", found=found, marks=MARKS,
        sums=reviews.averages(db(), g.actor.payee_id), neighbours=paging.neighbours(found),
    )  # fmt: skip
