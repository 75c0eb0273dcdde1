"""What a consultant offers at their own price, who shares it; advisors see the platform's lengths beside it."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateTimeLocalField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from app.consultations import directory, offerings
from app.consultations.entitlements import Entitlement, entitled
from app.consultations.offerings import OfferingForm
from app.consultations.profile_models import Offering
from app.consultations.states import OfferingKind, Practice
from app.core.clock import today
from app.core.errors import Invalid
from app.core.money import CURRENCIES, Money
from portals.consultant import bp
from portals.web.db import db
from portals.web.forms import BaseForm, MoneyField
from portals.web.htmx import done, page
from portals.web.i18n import reader_zone

KINDS = {
    OfferingKind.CONSULTATION: _l("Consultation, for one client"),
    OfferingKind.WEBINAR: _l("Webinar, for many"),
    OfferingKind.CLASS: _l("Class, for many"),
    OfferingKind.SESSION: _l("Session at the platform’s price"),
}


class EditForm(BaseForm):
    kind = SelectField(_l("What it is"), choices=lambda: [(kind.value, KINDS[kind]) for kind in offerings.OWN_KINDS])
    title = StringField(_l("Title"), [InputRequired(_l("Give it a title."))])
    description = TextAreaField(_l("Description"), [Optional()], render_kw={"rows": 4})
    duration_minutes = IntegerField(_l("Minutes"), [InputRequired(_l("How many minutes?"))])
    price = MoneyField(_l("Price"), [InputRequired(_l("Write a price."))], currency_field="currency")
    currency = SelectField(_l("Currency"), choices=sorted(CURRENCIES), default="USD")
    capacity = IntegerField(
        _l("Places"), [Optional()], default=1, description=_l("Of a webinar or class."), render_kw={"min": 1}
    )
    starts_at = DateTimeLocalField(
        _l("Held on"), [Optional()], description=_l("A webinar or class has one time, on your clock.")
    )

    def stated(self, kind: OfferingKind | None = None) -> OfferingForm:
        assert isinstance(self.price.data, Money)
        begins: datetime | None = self.starts_at.data
        if begins is not None:
            begins = begins.replace(tzinfo=ZoneInfo(reader_zone())).astimezone(UTC)
        return OfferingForm(
            kind or OfferingKind(self.kind.data), self.title.data or "", self.duration_minutes.data or 0,
            self.price.data, self.description.data or "", self.capacity.data or 0, begins,
        )  # fmt: skip


class ShareForm(BaseForm):
    weights = TextAreaField(
        _l("Who shares it"), [Optional(), Length(max=3_000)], render_kw={"rows": 4, "spellcheck": "false"},
        description=_l("One a line: the last part of a profile’s address and a weight, e.g. “ines-marques 1”."),
    )  # fmt: skip

    def read(self) -> dict[str, int]:
        """Raises Invalid for a line that is none."""
        found: dict[str, int] = {}
        for line in (self.weights.data or "").splitlines():
            slug, _space, weight = line.strip().rpartition(" ")
            if not line.strip():
                continue
            if not slug or not (weight.isascii() and weight.isdigit() and len(weight) <= 6) or slug.strip() in found:
                sentence = _("“%(line)s” is not a name and a weight, or stands there twice.", line=line.strip()[:60])
                raise Invalid(sentence, fields={"weights": sentence})
            found[slug.strip()] = int(weight)
        return found


@bp.get("/offerings", endpoint="offerings")
def index() -> ResponseReturnValue:
    mine = directory.own(db(), g.actor.payee_id)
    advisor = mine.practice is Practice.ADVISOR
    return page(
        "consultant/offerings.html", own=offerings.own(db(), g.actor.payee_id), kinds=KINDS,
        sessions=offerings.sessions(db()) if advisor else [],
        may_add=mine.practice is not Practice.DOCTOR
        and (not advisor or entitled(mine, Entitlement.CUSTOM_OFFERINGS, today())),
    )  # fmt: skip


@bp.route("/offerings/new", methods=["GET", "POST"])
def new_offering() -> ResponseReturnValue:
    form = EditForm()
    if form.accepts():
        with form.refusals():
            made = offerings.create(db(), g.actor, g.actor.payee_id, form.stated())
            return done(back=url_for(".offerings"), toast=(_("Offered"), made.title))
    return page("consultant/offering.html", form=form, offering=None)


@bp.route("/offerings/<uuid:offering_id>", methods=["GET", "POST"])
def offering(offering_id: UUID) -> ResponseReturnValue:
    found = offerings.one(db(), g.actor.payee_id, offering_id)
    form = EditForm(obj=found, data={"starts_at": _local(found)})
    if not form.is_submitted():
        form.starts_at.data = _local(found)
    elif form.accepts():
        with form.refusals():
            offerings.edit(db(), g.actor, g.actor.payee_id, found.id, form.stated(found.kind))
            return done(back=url_for(".offerings"), toast=(_("Saved"), found.title))
    return _shown(found, form, ShareForm(formdata=None))


@bp.post("/offerings/<uuid:offering_id>/shares")
def offering_shares(offering_id: UUID) -> ResponseReturnValue:
    found, form = offerings.one(db(), g.actor.payee_id, offering_id), ShareForm()
    if form.accepts():
        with form.refusals():
            offerings.share(db(), g.actor, g.actor.payee_id, found.id, form.read())
            return done(back=url_for(".offering", offering_id=found.id), toast=_("Who shares it is saved."))
    edit = EditForm(formdata=None, obj=found)
    edit.starts_at.data = _local(found)
    return _shown(found, edit, form)


@bp.post("/offerings/<uuid:offering_id>/end")
def offering_end(offering_id: UUID) -> ResponseReturnValue:
    ended = offerings.end(db(), g.actor, g.actor.payee_id, offering_id)
    return done(back=url_for(".offerings"), toast=(_("Not offered any more"), ended.title))


def _local(found: Offering) -> datetime | None:
    return found.starts_at.astimezone(ZoneInfo(reader_zone())).replace(tzinfo=None) if found.starts_at else None


def _shown(found: Offering, form: EditForm, share: ShareForm) -> ResponseReturnValue:
    people = offerings.collaborators(db(), found.id)
    if not share.is_submitted():
        share.weights.data = "\n".join(f"{slug} {weight}" for _id, _name, slug, weight in people)
    return page(
        "consultant/offering.html", offering=found, form=form, share=share, people=people, kinds=KINDS,
        slug=directory.own(db(), g.actor.payee_id).slug,
    )  # fmt: skip
