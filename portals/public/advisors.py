"""The directory of consultants: found by what they know, and one of them with prices and reviews. Open to everybody."""

from __future__ import annotations

from flask import Response, url_for
from flask.typing import ResponseReturnValue

from app.consultations import directory, offerings
from app.consultations.profile_rules import language_names
from app.core.countries import countries
from app.core.scope import Scope
from portals.public import bp
from portals.shared import pictures
from portals.shared.consultant_signup import PRACTICES
from portals.shared.directory import wanted_of_address
from portals.web import paging
from portals.web.db import db, use_scope
from portals.web.htmx import page

SHOWN, REVIEWS = 24, 10
RATINGS = (4, 3)


@bp.get("/advisors")
def advisors() -> ResponseReturnValue:
    use_scope(Scope.public())
    chosen, want = wanted_of_address(), paging.wanted(SHOWN)
    found = directory.search(db(), chosen, want.cursor, want.limit)
    return page(
        "public/advisors/index.html",
        fragment="public/advisors/_list.html",
        found=found,
        neighbours=paging.neighbours(found),
        chosen=chosen,
        facets=directory.facets(db()),
        ratings=RATINGS,
        average=directory.average,
        languages=language_names,
        practices=PRACTICES,
    )


@bp.get("/advisors/<slug>")
def advisor(slug: str) -> ResponseReturnValue:
    use_scope(Scope.public())
    row, want = directory.profile(db(), slug), paging.wanted(REVIEWS)
    found = directory.reviews(db(), row.payee_id, want.cursor, want.limit)
    return page(
        "public/advisors/show.html",
        fragment="public/advisors/_reviews.html",
        row=row,
        found=found,
        neighbours=paging.neighbours(found),
        offerings=offerings.bookable(db(), row.payee_id, row.practice),
        average=directory.average(row),
        languages=language_names(row.languages),
        country=countries().get(row.country or "", ""),
        practices=PRACTICES,
        book_url=url_for("client.new_consultation", consultant=slug) if row.accepting else None,
    )


@bp.get("/advisors/<slug>/picture")
def advisor_picture(slug: str) -> Response:
    use_scope(Scope.public())
    row = directory.profile(db(), slug)
    return pictures.show(directory.picture(db(), row.avatar_file_id), public=True)
