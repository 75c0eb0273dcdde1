"""The form every application begins with."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import EmailField, HiddenField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.core.countries import countries
from app.payees import application_rules as rules
from app.payees import applications
from app.payees.application_rules import Stated
from app.payees.applications import Target
from app.payees.states import PayeeKind
from portals.web.db import db
from portals.web.forms import BaseForm


def country_choices() -> list[tuple[str, str]]:
    named = sorted(countries().items(), key=lambda one: one[1])
    return [("", str(_l("Choose a country"))), *named]


class ApplicationForm(BaseForm):
    """`company_url` is a trap: people do not see it, programs that fill in everything do."""

    name = StringField(
        _l("Your name, or that of your business"), [InputRequired(_l("Write your name.")), Length(max=200)]
    )
    email = EmailField(_l("Email"), [InputRequired(_l("Write your e-mail address.")), Length(max=254)])
    work = StringField(
        _l("What you do"),
        [InputRequired(_l("Say what you do.")), Length(max=rules.LONGEST_WORK)],
        description=_l("For example illustration, plumbing, tax advice."),
    )
    country = SelectField(_l("Country"), choices=country_choices, default="")
    links = TextAreaField(
        _l("Links to your work"), [Length(max=2_000)], description=_l("Up to five addresses, one a line.")
    )
    message = TextAreaField(_l("Message"), [Length(max=rules.LONGEST_MESSAGE)])
    company_url = StringField(_l("Leave this empty"))
    organization = HiddenField()

    def stated(self) -> Stated:
        """Raises Invalid naming every bad field."""
        return rules.cleaned(
            self.name.data or "", self.work.data or "", self.country.data or "", self.links.data or "",
            self.message.data or "",
        )  # fmt: skip

    def accepts_all(self) -> bool:
        """As `accepts`, with the files of forms that have some."""
        return self.accepts()

    def send(self, kind: PayeeKind, slug: str | None, target: Target) -> None:
        """Write the application down; a program's goes nowhere. Raises Invalid naming every bad field."""
        stated = self.stated()
        if not self.company_url.data:
            applications.apply(db(), kind, slug, self.email.data or "", stated)
