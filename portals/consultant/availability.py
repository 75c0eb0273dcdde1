"""When a consultant can be booked: the hours of every week, their time zone, and days that are different."""

from __future__ import annotations

from zoneinfo import available_timezones

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, Field, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional

from app.consultations import directory, elsewhere, hours, profiles
from app.consultations.availability import Range
from app.core.errors import Invalid
from portals.consultant import bp
from portals.shared import asking, hours_text
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.htmx import done, page
from portals.web.i18n import reader_today

WEEKDAYS = (
    _l("Monday"), _l("Tuesday"), _l("Wednesday"), _l("Thursday"), _l("Friday"), _l("Saturday"), _l("Sunday"),
)  # fmt: skip


def _day_field(weekday: int) -> StringField:
    return StringField(WEEKDAYS[weekday], [Optional(), Length(max=200)])


class WeekForm(BaseForm):
    time_zone = SelectField(_l("Your time zone"), choices=lambda: sorted(available_timezones()))
    day_0, day_1, day_2, day_3, day_4, day_5, day_6 = (_day_field(weekday) for weekday in range(7))

    def days(self) -> list[Field]:
        return [self[f"day_{weekday}"] for weekday in range(7)]

    def weekly(self) -> dict[int, list[Range]]:
        """Raises Invalid naming every bad day."""
        found, wrong = {}, {}
        for weekday, field in enumerate(self.days()):
            try:
                found[weekday] = hours_text.read(field.data or "")
            except Invalid as refusal:
                wrong[f"day_{weekday}"] = refusal.message
        if wrong:
            raise Invalid(next(iter(wrong.values())), fields=wrong)
        return found


class DayForm(BaseForm):
    day = DateField(_l("Day"), [InputRequired(_l("Choose a day."))])
    hours = StringField(
        _l("Hours"), [Optional(), Length(max=200)], description=_l("Leave it empty when you are away all day.")
    )
    note = StringField(_l("Note"), [Optional(), Length(max=200)], description=_l("For yourself."))


@bp.route("/availability", methods=["GET", "POST"])
def availability() -> ResponseReturnValue:
    form, kept = WeekForm(), hours.read(db(), g.actor.payee_id)
    if not form.is_submitted():
        form.time_zone.data = kept.zone.key
        for weekday, field in enumerate(form.days()):
            field.data = hours_text.write(kept.weekly.get(weekday, ()))
    elif form.accepts():
        with form.refusals():
            hours.set_week(db(), g.actor, g.actor.payee_id, form.weekly(), form.time_zone.data)
            return done(back=url_for(".availability"), toast=_("Your hours are saved."))
    return _shown(form, DayForm(formdata=None))


@bp.post("/availability/days")
def availability_days() -> ResponseReturnValue:
    """One day that is not as every week."""
    form = DayForm()
    if form.accepts() and form.day.data is not None:
        with form.refusals():
            try:
                ranges = hours_text.read(form.hours.data or "")
            except Invalid as refusal:
                raise Invalid(refusal.message, fields={"hours": refusal.message}) from refusal
            hours.set_day(db(), g.actor, g.actor.payee_id, form.day.data, ranges, form.note.data or "")
            return done(back=url_for(".availability"), toast=_("This day is saved."))
    return _shown(_week(), form)


def _week() -> WeekForm:
    kept = hours.read(db(), g.actor.payee_id)
    return WeekForm(
        formdata=None, time_zone=kept.zone.key,
        **{f"day_{weekday}": hours_text.write(kept.weekly.get(weekday, ())) for weekday in range(7)},
    )  # fmt: skip


@bp.post("/availability/days/removal")
def availability_day_removal() -> ResponseReturnValue:
    day = asking.day(request.form, "day")
    if day is None:
        raise Invalid(_("Choose a day."))
    hours.forget_day(db(), g.actor, g.actor.payee_id, day)
    return done(back=url_for(".availability"), toast=_("This day is as every week again."))


class LinkForm(BaseForm):
    link = StringField(
        _l("Your booking page"), [Optional(), Length(max=elsewhere.LONGEST)],
        description=_l("name/event, or the address of the page. Leave it empty to be booked by the hours kept here."),
    )  # fmt: skip


@bp.post("/availability/calendar")
def availability_calendar() -> ResponseReturnValue:
    """The page of their own calendar that clients are shown."""
    form = LinkForm()
    if form.accepts():
        with form.refusals():
            saved = profiles.set_calendar_link(db(), g.actor, g.actor.payee_id, form.link.data or "")
            told = _("Clients choose a time in your calendar.") if saved.calendar_link else _("Your hours here count.")
            return done(back=url_for(".availability"), toast=told)
    return _shown(_week(), DayForm(formdata=None), form)


def _shown(form: WeekForm, day_form: DayForm, link_form: LinkForm | None = None) -> ResponseReturnValue:
    days = hours.days(db(), g.actor.payee_id, reader_today())
    link = directory.own(db(), g.actor.payee_id).calendar_link
    return page(
        "consultant/availability.html", form=form, day_form=day_form, days=days, written=hours_text.write,
        notice=hours.NOTICE, horizon=hours.HORIZON, link_form=link_form or LinkForm(formdata=None, link=link),
        calendars=elsewhere.configured(), elsewhere=elsewhere.takes_bookings(link),
    )  # fmt: skip
