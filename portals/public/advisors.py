"""The directory of consultants: found by what they know, and one of them with prices and reviews. Open to everybody."""

from __future__ import annotations

from flask import Response, current_app, request, url_for
from flask.typing import ResponseReturnValue

from app.consultations import directory
from app.consultations.directory import Wanted
from app.consultations.profile_rules import LONGEST_SEARCH, language_names
from app.consultations.states import Practice
from app.core.scope import Scope
from app.payees.application_rules import countries
from portals.public import bp
from portals.shared import pictures
from portals.shared.asking import one_of
from portals.shared.consultant_signup import PRACTICES
from portals.web import paging
from portals.web.db import db, use_scope
from portals.web.htmx import page

SHOWN, REVIEWS = 24, 10
RATINGS = (4, 3)


def wanted_of_address() -> Wanted:
    """The filters of this address; nonsense is left out."""
    args = request.args
    language = args.get("language", "").strip().lower()
    rating = args.get("rating", "")
    return Wanted(
        search=args.get("q", "").replace("\0", "").strip()[:LONGEST_SEARCH],
        specialty=args.get("specialty", "").replace("\0", "").strip()[:LONGEST_SEARCH],
        language=language if language.isalpha() and len(language) <= 3 else "",
        accepting=args.get("available", "") in ("1", "true"),
        rating=int(rating) if rating in ("1", "2", "3", "4", "5") else None,
        practice=one_of(Practice, args, "practice"),
    )


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
        offerings=directory.offerings(db(), row),
        average=directory.average(row),
        languages=language_names(row.languages),
        country=countries().get(row.country or "", ""),
        practices=PRACTICES,
        book_url=booking_url(slug) if row.accepting else None,
    )


@bp.get("/advisors/<slug>/picture")
def advisor_picture(slug: str) -> Response:
    use_scope(Scope.public())
    row = directory.profile(db(), slug)
    return pictures.show(directory.picture(db(), row.avatar_file_id), public=True)


def booking_url(slug: str) -> str | None:
    """Where this consultant is booked; None while no page takes bookings."""
    rules = current_app.url_map.iter_rules()
    endpoint = next((rule.endpoint for rule in rules if rule.rule == "/consultations/new"), None)
    return url_for(endpoint, advisor=slug) if endpoint else None
