"""/api/v1/advisors: the directory and applying, for everybody; a consultant's own profile; the platform's decisions."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.exceptions import ServiceUnavailable

from app.consultations import applications, directory, earning_sums, offerings, profiles
from app.consultations import profile_rules as rules
from app.consultations.earning_sums import Month
from app.consultations.states import Practice
from app.core.errors import Forbidden, Invalid
from app.core.scope import Permission, Scope
from app.core.settings import settings
from app.files.pictures import square
from app.files.sniffing import Inspected
from app.files.storage import StorageUnavailable
from app.identity.states import Portal
from app.payees import application_queries, application_rules
from app.payees import applications as everybodys
from app.payees.application_queries import Wanted
from app.payees.states import ApplicationStatus, PayeeKind
from portals.api import platform_v1
from portals.shared.asking import month
from portals.shared.connect import here, set_up_link
from portals.shared.directory import wanted_of_address
from portals.web import guards, session
from portals.web.asked import Asked
from portals.web.db import db, use_scope
from portals.web.errors import problem
from portals.web.i18n import reader_today
from portals.web.jsonio import Body, cursor, limit
from portals.web.ratelimit import limiter
from portals.web.setup import csrf
from portals.web.uploads import keep

public = Blueprint("public_v1", __name__, url_prefix="/api/v1/advisors")
own = Blueprint("consultant_v1", __name__, url_prefix="/api/v1/advisors")
csrf.exempt(public)  # nobody's session is in it
csrf.exempt(own)  # checked below, so that who has no session is told so
blueprints = (public, own)
REVIEWS = 10


@own.before_request
def _enter() -> ResponseReturnValue | None:
    if session.signed_in() is None:
        return problem(401, "Sign in to the consultant portal first.")
    csrf.protect()
    return guards.enter(Portal.CONSULTANT)


def listed(found: Any, rows: list[dict[str, Any]]) -> Response:
    return jsonify(data=rows, next_cursor=found.next_cursor)


@public.get("/search")
def search() -> Response:
    """`q`, `specialty`, `language` (a code), `available`, `rating` (at least), `practice`; most reviews first."""
    use_scope(Scope.public())
    found = directory.search(db(), wanted_of_address(), cursor(), limit())
    return listed(found, [_short(row) for row in found.items])


@public.get("/<uuid:payee_id>")
def advisor(payee_id: UUID) -> Response:
    use_scope(Scope.public())
    row = directory.listed(db(), payee_id)
    newest = directory.reviews(db(), payee_id, limit=REVIEWS).items
    return jsonify(
        _whole(row)
        | {
            "offerings": [_offering(one) for one in offerings.bookable(db(), row.payee_id, row.practice)],
            "reviews": [_review(one) for one in newest],
        }
    )


@public.post("/apply")
@limiter.limit("5 per minute; 20 per hour")
def apply() -> ResponseReturnValue:
    """`{name, email, headline, practice?, specialties, skills?, languages, country?, bio, portfolio_urls?,
    organization?}` → 202 whoever has the address: its reader gets the link that sends the application off.

    The same as multipart/form-data, where lists are fields that repeat, may bring a file called `picture`.
    """
    if not request.is_json and request.mimetype != "multipart/form-data":
        return problem(415, "Send JSON, or multipart/form-data with a picture.")
    use_scope(Scope.public())
    body = Body() if request.is_json else Body(_fields_sent())
    slug = body.text("organization", longest=100) or None
    practice = body.choice("practice", Practice, Practice.CONSULTANT)
    email = body.text("email", required=True, longest=254)
    specialties, languages = body.names("specialties"), body.names("languages")
    skills, urls = _optional(body, "skills", []), _optional(body, "portfolio_urls", [])
    name, work = body.text("name", required=True), body.text("headline", required=True)
    bio, country = body.text("bio", required=True, longest=rules.LONGEST_BIO), body.text("country", longest=2)
    body.check()
    try:
        stated = application_rules.cleaned(name, work, country, "\n".join(urls), "")
    except Invalid as refusal:
        said = {_NAMES.get(field, field): sentence for field, sentence in refusal.fields.items()}
        raise Invalid(refusal.message, fields=said) from None
    expertise = rules.expertise(
        practice=practice,
        skills=skills,
        specialties=specialties,
        languages=languages,
        bio=bio,
        of_platform=slug is None,
    )
    applications.apply(db(), slug, email, stated, expertise, _picture())
    return jsonify(detail=_("We mail a link to this address. The application is sent once it is used.")), 202


_NAMES = {"work": "headline", "links": "portfolio_urls"}


def _fields_sent() -> dict[str, Any]:
    """A multipart form as the JSON it stands for."""
    lists = set(_LISTS) & set(request.form)
    return {name: request.form.getlist(name) if name in lists else value for name, value in request.form.items()}


def _picture() -> tuple[Inspected, str] | None:
    """What was sent as `picture`, in the store. Raises Invalid; 503 while the store is away."""
    file = request.files.get("picture")
    if file is None or not file.filename:
        return None
    try:
        looked = square(file.stream.read(), file.filename or "")
    except Invalid as refusal:
        raise Invalid(refusal.message, fields={"picture": refusal.message}) from None
    try:
        (kept,) = keep([looked])
    except StorageUnavailable:
        raise ServiceUnavailable() from None
    return kept.inspected, kept.key


def _optional(body: Body, name: str, default: list[str]) -> list[str]:
    return body.names(name) if body.has(name) else default


@own.get("/profile")
def profile() -> Response:
    return jsonify(_mine(directory.own(db(), g.actor.payee_id)))


@own.put("/profile")
def change_profile() -> Response:
    """Any of what `GET` gives of the texts; what is left out stays."""
    row, body = directory.own(db(), g.actor.payee_id), Body()
    lists = {name: _optional(body, name, list(getattr(row, name))) for name in _LISTS}
    texts = {name: body.text(name, longest=rules.LONGEST_BIO, default=getattr(row, name) or "") for name in _TEXTS}
    body.check()
    profiles.edit(db(), g.actor, row.payee_id, rules.published(**texts, **lists))
    return jsonify(_mine(directory.own(db(), row.payee_id)))


_LISTS = ("skills", "specialties", "languages", "portfolio_urls")
_TEXTS = ("name", "headline", "bio", "country", "time_zone")


@own.put("/booking-status")
def booking_status() -> Response:
    """`{is_accepting_bookings: true | false}`."""
    body = Body()
    if not body.has("is_accepting_bookings"):
        body.fault("is_accepting_bookings", _("true or false."))
    accepting = body.flag("is_accepting_bookings")
    body.check()
    profiles.accept_bookings(db(), g.actor, g.actor.payee_id, accepting)
    return jsonify(is_accepting_bookings=accepting)


@own.post("/stripe-connect")
def stripe_account() -> ResponseReturnValue:
    """201 with the address of Stripe's set-up pages, for one visit within minutes. `country` where we know of none."""
    if not session.is_stepped_up():
        raise Forbidden(_("Prove again who you are: sign in anew, or use the page that asks for it."))
    body = Body()
    country = body.text("country", longest=2)
    body.check()
    there, again = (here(f"consultant.{name}") for name in ("stripe_return", "stripe_again"))
    return jsonify(url=set_up_link(g.actor.payee_id, country, there, again)), 201


@own.get("/earnings")
def earnings() -> Response:
    """`month` is 2026-11, the present one unless said: what was earned on its days, by currency.

    `gross_minor` less `platform_fee_minor`, `organization_fee_minor` and `collaborators_minor`, with
    `adjustments_minor`, is `payable_minor`.
    """
    first = _month()
    found = earning_sums.month(db(), g.actor.payee_id, first)
    return jsonify(month=f"{first:%Y-%m}", data=[_earned(one) for one in found])


def _month() -> date:
    """Its first day. Raises Invalid."""
    first = reader_today().replace(day=1) if not request.args.get("month") else month(request.args, "month")
    if first is None:
        said = _("Write the month like 2026-11.")
        raise Invalid(said, fields={"month": said})
    return first


def _earned(one: Month) -> dict[str, Any]:
    return {
        "currency": one.currency,
        "sessions": one.sessions,
        "appointments": one.appointments,
        "gross_minor": one.gross.minor,
        "platform_fee_minor": one.platform.minor,
        "organization_fee_minor": one.organization.minor,
        "collaborators_minor": one.others.minor,
        "adjustments_minor": one.adjustments.minor,
        "payable_minor": one.payable.minor,
        "held_minor": one.held.minor,
        "ready_minor": one.ready.minor,
        "in_payouts_minor": one.on_its_way.minor,
        "paid_minor": one.paid.minor,
    }


@platform_v1.get("/advisor-applications")
def advisor_applications() -> Response:
    """Those that wait; `status` approved, declined or all gives others. Newest first."""
    g.actor.require(Permission.PAYEE_READ)
    asked = Asked()
    every = asked.text("status").lower() == "all"
    status = None if every else asked.word(ApplicationStatus, "status") or ApplicationStatus.SUBMITTED
    asked.check()
    wanted = Wanted(status=status, kind=PayeeKind.CONSULTANT, search=asked.text("q"))
    found = application_queries.queue(db(), wanted, cursor(), limit())
    said = applications.details_of(db(), [row.id for row in found.items])
    return listed(found, [_application(row, said.get(row.id)) for row in found.items])


@platform_v1.put("/advisors/<uuid:application_id>/approve")
def advisor_approval(application_id: UUID) -> Response:
    """`{approved: true | false, notes}`: the notes are mailed; a refusal needs some. `id` is the application's."""
    g.actor.require(Permission.PAYEE_MANAGE)
    body = Body()
    if not body.has("approved"):
        body.fault("approved", _("true or false."))
    approved, notes = body.flag("approved"), body.text("notes", longest=application_rules.LONGEST_REASON)
    if body.has("approved") and not approved and not notes:
        body.fault("notes", _("Say why: the applicant reads it."))
    body.check()
    if approved:
        payee_id = applications.approve(db(), g.actor, application_id, notes)
        return jsonify(id=str(application_id), status="APPROVED", advisor_id=str(payee_id))
    everybodys.decline(db(), g.actor, application_id, notes)
    return jsonify(id=str(application_id), status="DECLINED", advisor_id=None)


def _short(row: Any) -> dict[str, Any]:
    stars = directory.average(row)
    url = url_for("public.advisor_picture", slug=row.slug) if row.avatar_file_id else None
    return {
        "id": str(row.payee_id),
        "slug": row.slug,
        "name": row.name,
        "headline": row.headline,
        "practice": row.practice.value,
        "specialties": row.specialties,
        "languages": row.languages,
        "country": row.country,
        "is_accepting_bookings": row.accepting,
        "rating": None if stars is None else float(stars),
        "review_count": row.rating_count,
        "picture_url": url and settings().base_url + url,
    }


def _whole(row: Any) -> dict[str, Any]:
    return _short(row) | {
        "bio": row.bio,
        "skills": row.skills,
        "portfolio_urls": row.portfolio_urls,
        "time_zone": row.time_zone,
    }


def _mine(row: Any) -> dict[str, Any]:
    until = row.premium_until
    return _whole(row) | {"is_listed": row.listed, "premium_until": until.isoformat() if until else None}


def _offering(one: Any) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "kind": one.kind.value,
        "title": one.title,
        "description": one.description,
        "duration_minutes": one.duration_minutes,
        "price": {"amount_minor": one.price_minor, "currency": one.currency},
        "starts_at": one.starts_at.isoformat() if one.starts_at else None,
    }


def _review(one: Any) -> dict[str, Any]:
    return {
        "rating": one.rating,
        "review_text": one.text,
        "expertise_rating": one.expertise,
        "communication_rating": one.communication,
        "helpfulness_rating": one.helpfulness,
        "client_first_name": one.client_first_name,
        "created_at": one.created_at.isoformat(),
    }


def _application(row: Any, said: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "organization_id": str(row.organization_id),
        "status": row.status.value.upper(),
        "name": row.name,
        "email": row.email,
        "headline": row.work,
        "country": row.country,
        "portfolio_urls": row.links,
        "practice": said.practice.value if said else None,
        "skills": said.skills if said else [],
        "specialties": said.specialties if said else [],
        "languages": said.languages if said else [],
        "bio": said.bio if said else row.message,
        "created_at": row.created_at.isoformat(),
        "reviewed_at": row.reviewed_at.isoformat() if row.reviewed_at else None,
        "notes": row.reviewed_reason,
        "advisor_id": str(row.payee_id) if row.payee_id else None,
    }
