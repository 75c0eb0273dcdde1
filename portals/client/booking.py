"""Booking: whom, what, when. The time is kept as soon as the form is sent, and booked once it is paid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, SelectField, StringField
from wtforms.validators import Length, Optional

from app.consultations import booking, calendar_numbers, credits, directory, letters, offerings, on_account, payments
from app.consultations.directory import Wanted
from app.consultations.profile_models import Offering
from app.consultations.states import PaidBy
from app.core.errors import Conflict
from app.organizations import queries as organizations
from portals.client import bp, calendar, cards, paying
from portals.shared import asking, slots
from portals.shared.consultations import clock_of
from portals.web import paging
from portals.web.db import db
from portals.web.forms import OnceForm
from portals.web.htmx import done, page
from portals.web.i18n import reader_locale, reader_zone

NOBODY = ""
_OTHERS = (PaidBy.CREDIT.value, PaidBy.INVOICE.value)  # pay without the client's card


class BookForm(OnceForm):
    starts_at = StringField(_l("Time"))
    buyer = SelectField(
        _l("For an organization"), default=NOBODY,
        description=_l("It is named on the booking; its funds are used only when it pays."),
    )  # fmt: skip
    offering = HiddenField()
    cal_booking_id = StringField(
        _l("Number of your booking there"), [Optional(), Length(max=500)],
        description=_l("Is filled in by itself once you have chosen a time. Or copy the address of its page."),
    )  # fmt: skip
    looked = HiddenField()

    def _place(self, fields: Mapping[str, str]) -> list[str]:
        return super()._place({"buyer" if name == on_account.FIELD else name: said for name, said in fields.items()})


@bp.get("/consultations/new")
def new_consultation() -> ResponseReturnValue:
    """Without a consultant in the address: choose one."""
    slug = request.args.get("consultant", "")[:100]
    if not slug:
        return _consultants()
    return _chosen(slug, BookForm(formdata=None))


@bp.post("/consultations/new")
def book_consultation() -> ResponseReturnValue:
    slug, form = request.args.get("consultant", "")[:100], BookForm()
    row = directory.profile(db(), slug)
    wanted = _offering(row)
    form.buyer.choices = _buyers(wanted)
    if wanted is None:
        raise Conflict(_("This cannot be booked (any more). Choose something else."))
    if form.accepts():
        try:
            with form.refusals():
                paid_by, buyer_id = _payer(form.buyer.data or "")
                number = calendar.number(form) if calendar.is_asked(row, wanted) else None
                starts_at = wanted.starts_at or (
                    slots.chosen(request.form) if number is None else calendar.start_of(number, row.payee_id, wanted)
                )
                made = booking.book(
                    db(), g.actor, payee_id=row.payee_id, offering_id=wanted.id, starts_at=starts_at,
                    client_time_zone=reader_zone(), locale=reader_locale(), paid_by=paid_by,
                    buyer_organization_id=buyer_id, by_calendar=number is not None,
                )  # fmt: skip
                if number is not None:
                    calendar_numbers.link(db(), g.actor, made, number)
                if paid_by is PaidBy.CREDIT:
                    return done(back=url_for(".consultation", consultation_id=made.id), toast=_("Booked by a credit."))
                cards.ask_early(made, paying.ask)
                return done(back=url_for(".consultation_pay", consultation_id=made.id))
        except Conflict as refusal:
            if not refusal.fields:
                raise
            form.blame(refusal)
            return _chosen(slug, form, status=409, waiting=isinstance(refusal, calendar.NotTold))
    return _chosen(slug, form)


def _consultants() -> ResponseReturnValue:
    want = paging.wanted(25)
    search = request.args.get("q", "").strip()[:100]
    found = directory.search(db(), Wanted(search=search, accepting=True), want.cursor, want.limit)
    return page(
        "client/consultants.html", fragment="client/_consultants.html", found=found, search=search,
        neighbours=paging.neighbours(found), average=directory.average,
    )  # fmt: skip


def _chosen(slug: str, form: BookForm, status: int | None = None, waiting: bool = False) -> ResponseReturnValue:
    row = directory.profile(db(), slug)
    wanted, zone = _offering(row), reader_zone()
    form.buyer.choices = _buyers(wanted)
    week, shown = None, None
    if wanted is not None and row.accepting and calendar.is_asked(row, wanted):
        shown = calendar.embed(row.calendar_link, g.account)
    elif wanted is not None and not wanted.kind.is_group and row.accepting:
        week = slots.week(db(), row.payee_id, wanted.duration_minutes, zone, asking.day(request.args, "week"))
    return page(
        "client/new.html", form=form, row=row, offering=wanted, week=week, zone=zone, clock_of=clock_of,
        offered=offerings.bookable(db(), row.payee_id, row.practice), url_with=paging.url_with,
        policy=letters.POLICY, status=status, url=_url(slug, wanted), calendar=shown, waiting=waiting,
        by_others=any(value.startswith(_OTHERS) for value, _text in form.buyer.choices),
    )  # fmt: skip


def _url(slug: str, wanted: Offering | None) -> str:
    return url_for(
        ".book_consultation", consultant=slug, offering=wanted.id if wanted else None, week=request.args.get("week")
    )


def _offering(row: Any) -> Offering | None:
    """The one in the address, of those on offer."""
    offering_id = asking.one_id(request.args, "offering")
    return next((one for one in offerings.bookable(db(), row.payee_id, row.practice) if one.id == offering_id), None)


def _memberships() -> list[Any]:
    return list(organizations.memberships_of_address(db(), g.account.email))


def _buyers(wanted: Offering | None) -> list[tuple[str, str]]:
    """One's own card, one's own card with an organization named, or what the organization pays by."""
    mine, found = _memberships(), [(NOBODY, _("Just for me, by card"))]
    spending = wanted is not None and any(PaidBy.CREDIT in payments.ways(one) for one in mine)
    left = credits.of_member(db(), g.account.email, wanted.id) if wanted and spending else {}
    for one in mine:
        for way in payments.ways(one):
            value = f"{way.value}:{one.organization_id}"
            if way is PaidBy.TAG:
                found.append((value, _("%(name)s, paid by my card", name=one.name)))
            elif way is PaidBy.INVOICE:
                found.append((value, _("%(name)s pays", name=one.name)))
            elif of := left.get(one.organization_id):
                found.append((value, _("%(name)s: 1 credit of %(n)s left", name=one.name, n=of.left)))
    return found


def _payer(choice: str) -> tuple[PaidBy, Any]:
    for one in _memberships():
        for way in payments.ways(one):
            if choice == f"{way.value}:{one.organization_id}":
                return way, one.organization_id
    return PaidBy.CARD, None
