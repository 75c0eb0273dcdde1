"""`/api/v1/consultations`: a client's own, or a consultant's as cards, which know a client's first name only."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, jsonify, request
from flask.json import dumps
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.charges import client_service
from app.charges.client_models import Charge
from app.charges.states import ChargeProvider
from app.consultations import (
    booking,
    calendar_numbers,
    cards,
    client_queries,
    directory,
    money,
    offerings,
    on_account,
    payments,
    reviews,
)
from app.consultations.cards import ConsultationCard
from app.consultations.models import Consultation
from app.consultations.profile_models import Offering
from app.consultations.reviews import Verdict
from app.consultations.states import CancelledBy, ConsultationStatus, PaidBy
from app.core.errors import Forbidden, Invalid, NotFound, Refusal
from app.core.scope import Scope
from app.core.settings import settings
from app.gateways import providers
from app.gateways.cards import CardError
from app.identity.states import Portal
from jobs import clients
from portals.shared import slots
from portals.web import guards, session
from portals.web.asked import word
from portals.web.db import afterwards, db, use_scope
from portals.web.errors import problem
from portals.web.i18n import reader_locale, reader_zone
from portals.web.jsonio import Body, cursor, limit
from portals.web.setup import csrf

bp = Blueprint("consultations_v1", __name__, url_prefix="/api/v1/consultations")
csrf.exempt(bp)  # checked in `_enter`, once it is known that there is a session
log = logging.getLogger("quittance.api")
SIGN_IN = "Sign in as a client, or as a consultant."


@bp.before_request
def _enter() -> ResponseReturnValue | None:
    if request.endpoint == f"{bp.name}.pricing":
        use_scope(Scope.public())
        return None
    csrf.protect()
    who = session.signed_in()
    if who is None:
        return problem(401, SIGN_IN)
    if who.portal not in (Portal.CLIENT, Portal.CONSULTANT):
        raise NotFound(_("There is nothing here."))
    return guards.enter(who.portal)


def _client() -> UUID:
    """Raises Forbidden for consultants."""
    if g.account.portal is not Portal.CLIENT:
        raise Forbidden(_("Sign in as a client to do this."))
    account_id: UUID = g.account.account_id
    return account_id


@bp.get("/pricing")
def pricing() -> Response:
    """For everybody: the platform's lengths and prices."""
    return jsonify({"data": [
        {"offering_id": str(one.id), "duration_minutes": one.duration_minutes, "price_cents": one.price_minor,
         "currency": one.currency}
        for one in offerings.sessions(db())
    ], "next_cursor": None})  # fmt: skip


@bp.post("/book")
def book() -> ResponseReturnValue:
    """`{advisor_id, duration_minutes or offering_id, starts_at or cal_booking_id, locale?, client_timezone?,
    project_id?, buyer_organization_id?, paid_by?}` → 201.

    `buyer_organization_id` books on the account of an organization: by its credit or from its funds at once, or named
    on what one's own card pays. `cal_booking_id` counts once the calendar itself told us of it. Other lengths are 422,
    a time that is taken or a consultant who takes no bookings 409.
    """
    _client()
    body = Body()
    given = {name: body.text(name, longest=200) for name in
             ("advisor_id", "offering_id", "cal_booking_id", "starts_at", "locale", "client_timezone",
              "project_id", on_account.FIELD)}  # fmt: skip
    paid_by, buyer_id = _payer(body, given[on_account.FIELD])
    body.check()
    row = directory.listed(db(), _id(given["advisor_id"], "advisor_id"))
    offering = _offering(row, given["offering_id"], body.given("duration_minutes"))
    known = calendar_numbers.told(db(), given["cal_booking_id"]) if given["cal_booking_id"] else None
    if known is not None:
        calendar_numbers.check(db(), known, row.payee_id, offering)
    starts_at = known.starts_at if known else offering.starts_at or slots.chosen(given)
    made = booking.book(
        db(), g.actor, payee_id=row.payee_id, offering_id=offering.id, starts_at=starts_at,
        client_time_zone=given["client_timezone"] or reader_zone(),
        locale=given["locale"].replace("-", "_") or reader_locale(), by_calendar=known is not None,
        project_id=_id(given["project_id"], "project_id") if given["project_id"] else None,
        paid_by=paid_by, buyer_organization_id=buyer_id,
    )  # fmt: skip
    if known is not None:
        calendar_numbers.link(db(), g.actor, made, given["cal_booking_id"])
    charge = _charge(made)
    if charge.provider is ChargeProvider.STRIPE:
        afterwards(partial(_with_intent, charge.id))
    return jsonify(
        {
            "consultation_id": str(made.id),
            "status": made.status.value,
            "starts_at": made.starts_at.isoformat(),
            "price_cents": made.price_minor,
            "currency": made.currency,
            "advisor_earnings_cents": made.consultant_minor,
            **_intent_of(charge),
            "project_id": str(made.project_id) if made.project_id else None,
            "payment_url": f"{settings().base_url}/client/consultations/{made.id}/pay",
            "video_url": made.video_url,
            "pricing_snapshot": _priced(made.pricing, None),
        }
    ), 201


def _payer(body: Body, organization: str) -> tuple[PaidBy, UUID | None]:
    """By the client's card; with an organization as its account is used, or as `paid_by` says. Raises Invalid."""
    if not organization:
        return body.choice("paid_by", PaidBy, PaidBy.CARD), None  # anything but a card is refused by `on_account`
    buyer_id = _id(organization, on_account.FIELD)
    usual = payments.on_account(on_account.membership(db(), g.account.email, buyer_id))
    return body.choice("paid_by", PaidBy, usual), buyer_id


def _charge(made: Consultation) -> Charge:
    """What an organization pays is paid with it; for a card the provider is asked. Raises Invalid, Conflict."""
    if made.paid_by is PaidBy.INVOICE:
        return on_account.pay(db(), g.actor, made)
    provider = money.BY_BUYER.get(made.paid_by) or ChargeProvider(providers.chosen())
    return money.charge(db(), g.actor, made, provider)


def _intent_of(charge: Charge) -> dict[str, Any]:
    """What the client's browser confirms the payment with; our own id where no provider has one."""
    return {
        "payment_intent_id": charge.provider_reference or str(charge.id),
        "client_secret": client_service.client_secret(charge),
    }


def _with_intent(charge_id: UUID, response: Response) -> Response:
    """The booking is kept: now the provider is asked, and its answer joins ours. Without one the job asks again."""
    try:
        clients.ask(str(charge_id))
    except (CardError, Refusal) as error:
        log.warning("the provider did not answer in time for the answer: %s", type(error).__name__)
    db().expire_all()
    with db().elevated("the charge of the client's own booking"):
        told = _intent_of(client_service.locked(db(), charge_id))
    db().rollback()
    response.set_data(dumps((response.get_json() or {}) | told))
    return response


def _offering(row: Any, offering_id: str, minutes: object) -> Offering:
    """By its id, or by the length; other lengths are refused. Raises Invalid."""
    on_offer = offerings.bookable(db(), row.payee_id, row.practice)
    if offering_id:
        wanted = _id(offering_id, "offering_id")
        found = next((one for one in on_offer if one.id == wanted), None)
        name, said = "offering_id", _("This consultant does not offer that.")
    else:
        same = [one for one in on_offer if type(minutes) is int and one.duration_minutes == minutes]
        found = same[0] if len(same) == 1 or (same and same[0].payee_id is None) else None
        lengths = ", ".join(str(n) for n in sorted({one.duration_minutes for one in on_offer}))
        name, said = "duration_minutes", _("One of %(lengths)s, or name the offering_id.", lengths=lengths or "–")
    if found is None:
        raise Invalid(said, fields={name: said})
    return found


@bp.get("", endpoint="consultations")
def index() -> Response:
    """One's own: everything of a client, by the latest start; of a consultant what is `view`: upcoming or past."""
    if g.account.portal is Portal.CLIENT:
        found = client_queries.everything(db(), g.account.account_id, cursor(), limit())
        rows = [_of_client(row) for row in found.items]
    else:
        view = word(cards.View, "view") or cards.View.UPCOMING
        found = cards.of_payee(db(), g.actor.payee_id, view, cursor(), limit())
        rows = [_of_card(card) for card in found.items]
    return jsonify({"data": rows, "next_cursor": found.next_cursor})


@bp.get("/<uuid:consultation_id>")
def consultation(consultation_id: UUID) -> Response:
    if g.account.portal is Portal.CLIENT:
        row = client_queries.consultation(db(), g.account.account_id, consultation_id)
        charge = client_queries.charge_of(db(), row.id) if row.status is ConsultationStatus.PENDING else None
        return jsonify(_of_client(row) | (_intent_of(charge) if charge else {}))
    return jsonify(_of_card(cards.one(db(), g.actor.payee_id, consultation_id)))


@bp.put("/<uuid:consultation_id>/cancel")
def cancel(consultation_id: UUID) -> Response:
    """`{reason?}`. Says whether everything goes back, and why."""
    body = Body(request.get_json(silent=True) or {})
    reason = body.text("reason", longest=500)
    body.check()
    side = CancelledBy.CLIENT if g.account.portal is Portal.CLIENT else CancelledBy.CONSULTANT
    if side is CancelledBy.CONSULTANT:
        cards.one(db(), g.actor.payee_id, consultation_id)
    ended = booking.cancel(db(), g.actor, consultation_id, side, reason)
    found, why = ended.consultation, ended.decision.why
    return jsonify(
        {
            "consultation_id": str(found.id),
            "status": found.status.value,
            "refunded": ended.decision.refund,
            "refund_cents": found.price_minor if ended.decision.refund else 0,
            "currency": found.currency,
            "reason_code": why.value,
            "reason": why.sentence if side is CancelledBy.CLIENT else why.told,
        }
    )


@bp.post("/<uuid:consultation_id>/review")
def review(consultation_id: UUID) -> ResponseReturnValue:
    _client()
    body = Body()
    text = body.text("review_text", longest=reviews.LONGEST_TEXT)
    body.check()
    marks = {
        name: _mark(body, name) for name in ("rating", "expertise_rating", "communication_rating", "helpfulness_rating")
    }
    verdict = Verdict(
        marks["rating"] or 0, text, marks["expertise_rating"], marks["communication_rating"],
        marks["helpfulness_rating"],
    )  # fmt: skip
    made = reviews.write(db(), g.actor, consultation_id, verdict)
    return jsonify({"review_id": str(made), "consultation_id": str(consultation_id)}), 201


def _mark(body: Body, name: str) -> int | None:
    value = body.given(name)
    if value is not None and type(value) is not int:
        raise Invalid(_("From 1 to 5."), fields={name: _("From 1 to 5.")})
    return value


def _id(text: str, name: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid(_("This is needed."), fields={name: _("An id.")}) from None


def _when(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _shared(row: Consultation | ConsultationCard | Any) -> dict[str, Any]:
    return {
        "consultation_id": str(row.id),
        "title": row.title,
        "kind": row.kind.value,
        "status": row.status.value,
        "starts_at": _when(row.starts_at),
        "ends_at": _when(row.ends_at),
        "video_url": row.video_url,
        "completed_at": _when(row.completed_at),
        "cancelled_at": _when(row.cancelled_at),
        "cancelled_by": row.cancelled_by.value if row.cancelled_by else None,
    }


def _of_client(row: Any) -> dict[str, Any]:
    return _shared(row) | {
        "advisor_id": str(row.payee_id),
        "advisor_name": row.consultant,
        "price_cents": row.price_minor,
        "currency": row.currency,
        "client_timezone": row.client_time_zone,
        "locale": row.locale,
        "project_id": str(row.project_id) if row.project_id else None,
    }


def _of_card(card: ConsultationCard) -> dict[str, Any]:
    return _shared(card) | {
        "client_first_name": card.client_first_name,
        "price_cents": card.price.minor,
        "advisor_earnings_cents": card.earning.minor,
        "currency": card.price.currency,
        "pricing_snapshot": _priced(card.pricing, g.actor.payee_id),
    }


def _priced(snapshot: Mapping[str, Any], payee_id: UUID | None) -> dict[str, Any]:
    """The pricing with one's own share of the consultants' part alone: what others share is theirs."""
    shares = [share for share in snapshot.get("shares", []) if share["payee_id"] == str(payee_id)]
    return {**snapshot, "shares": shares}
