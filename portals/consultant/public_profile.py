"""What the public directory shows of the consultant, kept by themselves; and whether clients may book."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.consultations import directory, profiles
from app.consultations import profile_rules as rules
from app.consultations.profile_rules import Published, language_names
from app.core.clock import today
from app.core.errors import NotFound
from app.payees.application_rules import LONGEST_NAME
from portals.consultant import bp
from portals.shared import pictures
from portals.shared.application_form import country_choices
from portals.shared.consultant_signup import PRACTICES
from portals.shared.pictures import PictureForm
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.htmx import done, page


class PublicForm(PictureForm):
    name = StringField(_l("Name"), [InputRequired(_l("Write the name clients know you by.")), Length(max=LONGEST_NAME)])
    headline = StringField(
        _l("Headline"), [Length(max=rules.LONGEST_HEADLINE)], description=_l("One line, shown below your name.")
    )
    bio = TextAreaField(
        _l("About you"), [InputRequired(_l("Say who you are and what you help with.")), Length(max=rules.LONGEST_BIO)]
    )
    specialties = StringField(
        _l("Specialties"), [InputRequired(_l("Name at least one: clients look for it.")), Length(max=1_500)],
        description=_l("With commas between them, for example pricing, tax law."),
    )  # fmt: skip
    skills = StringField(_l("Skills"), [Length(max=1_500)], description=_l("Methods and tools, with commas between."))
    languages = StringField(
        _l("Languages"), [InputRequired(_l("Name at least one language you consult in.")), Length(max=1_500)],
        description=_l("By their English names, for example English, Swahili."),
    )  # fmt: skip
    country = SelectField(_l("Country"), choices=country_choices, default="")
    portfolio_urls = TextAreaField(
        _l("Links to your work"), [Length(max=2_000)], description=_l("Up to five addresses, one a line.")
    )
    time_zone = SelectField(
        _l("Time zone"), choices=lambda: sorted(available_timezones()),
        description=_l("Your hours are in it; clients see their own."),
    )  # fmt: skip

    @classmethod
    def of(cls, row: Any) -> PublicForm:
        """With what is published now. `row`: of `directory.own`."""
        return cls(
            name=row.name, headline=row.headline, bio=row.bio, specialties=", ".join(row.specialties),
            skills=", ".join(row.skills), languages=", ".join(language_names(row.languages)),
            country=row.country or "", portfolio_urls="\n".join(row.portfolio_urls), time_zone=row.time_zone,
        )  # fmt: skip

    def published(self) -> Published:
        """Raises Invalid naming every bad field."""
        return rules.published(
            name=self.name.data or "", headline=self.headline.data or "", bio=self.bio.data or "",
            skills=self.skills.data or "", specialties=self.specialties.data or "",
            languages=self.languages.data or "", country=self.country.data,
            portfolio_urls=self.portfolio_urls.data or "", time_zone=self.time_zone.data or "",
        )  # fmt: skip


def _row() -> Any:
    """The consultant's profile; None for who was engaged without one."""
    try:
        return directory.own(db(), g.actor.payee_id)
    except NotFound:
        return None


@bp.route("/public-profile", methods=["GET", "POST"])
def public_profile() -> ResponseReturnValue:
    row = _row()
    if row is None:
        return page("consultant/public_profile/none.html", status=200 if request.method == "GET" else 404)
    form = PublicForm.of(row)
    if form.accepts_with_files():
        with form.refusals():
            profiles.edit(db(), g.actor, row.payee_id, form.published())
            if form.picture:
                profiles.set_avatar(db(), g.actor, row.payee_id, form.picture.inspected, form.picture.key)
            return done(back=url_for(".public_profile"), toast=_("Your public profile is saved"))
    return page(
        "consultant/public_profile/index.html", fragment="consultant/public_profile/_form.html",
        form=form, row=row, average=directory.average(row), practices=PRACTICES,
        premium=row.premium_until is not None and today() <= row.premium_until,
    )  # fmt: skip


@bp.post("/public-profile/bookings")
def public_profile_bookings() -> ResponseReturnValue:
    """The switch "accepting bookings": `accepting` is 1 or 0."""
    accepting = request.form.get("accepting") == "1"
    profiles.accept_bookings(db(), g.actor, g.actor.payee_id, accepting)
    said = _("Clients can book you") if accepting else _("Clients cannot book you now")
    return done(back=url_for(".public_profile"), toast=(said, _("Sessions that are booked stay.")))


@bp.get("/public-profile/picture")
def public_profile_picture() -> ResponseReturnValue:
    return pictures.show(directory.picture(db(), directory.own(db(), g.actor.payee_id).avatar_file_id))


@bp.route("/public-profile/picture/removal", methods=["GET", "POST"])
def public_profile_picture_removal() -> ResponseReturnValue:
    form = BaseForm()
    if form.accepts():
        profiles.remove_avatar(db(), g.actor, g.actor.payee_id)
        return done(back=url_for(".public_profile"), toast=_("The picture is removed"))
    return page("consultant/public_profile/removal.html", fragment="consultant/public_profile/_removal.html", form=form)
