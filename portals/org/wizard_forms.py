"""What each step of the wizard asks for."""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import available_timezones

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, EmailField, MultipleFileField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.billing.profiles import TERMS
from app.core.errors import Invalid
from app.core.money import CURRENCIES
from app.core.rates import WHOLE_BPS
from app.organizations.drafts import Identity, Invitee
from app.organizations.states import BillingMode, OrganizationKind, Role
from app.payees.rules import read_commission
from portals.shared.billing_details import BillingForm
from portals.web.forms import OnceForm
from portals.web.uploads import FilesForm

_BETWEEN = re.compile(r"[\s,;]+")
KINDS = {
    OrganizationKind.BUYER: (
        _l("We buy"), _l("Your people book consultants. You pay for them, or are named on what they pay."),
    ),
    OrganizationKind.PROVIDER: (
        _l("We provide"), _l("Clients book your consultants. Each booking is shared between you, them and us."),
    ),
    OrganizationKind.HYBRID: (_l("Both"), _l("Your people book, and your consultants are booked.")),
}  # fmt: skip
MODES = {
    BillingMode.TAG_ONLY: (_l("Members pay"), _l("By card; your organization is named on what they book.")),
    BillingMode.SEAT_PACK: (_l("Seat credits"), _l("You buy packs of credits ahead, members use them.")),
    BillingMode.INVOICED_MONTHLY: (
        _l("Monthly invoice"), _l("Members book at your expense, from your funds and within your credit limit."),
    ),
}  # fmt: skip
TEAM = {"admins": Role.ADMIN, "managers": Role.MANAGER, "support": Role.SUPPORT}


def terms_text(days: int) -> str:
    return _("At once") if days == 0 else _("%(n)s days", n=days)


class IdentityForm(BillingForm):
    name = StringField(_l("Name"), [InputRequired(_l("Give a name.")), Length(max=200)])
    slug = StringField(
        _l("Short name"), [InputRequired(_l("Choose a short name.")), Length(max=60)],
        description=_l("In addresses, as /org/northgate. Small letters, digits and dashes."),
    )  # fmt: skip
    currency = SelectField(_l("Currency"), choices=sorted(CURRENCIES), default="USD")
    time_zone = SelectField(
        _l("Time zone"), choices=lambda: sorted(available_timezones()),
        description=_l("Days and months begin at midnight there."),
    )  # fmt: skip

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        first = {name: self._fields[name] for name in ("name", "slug")}  # as on the page: faults are listed so
        self._fields = first | self._fields

    def identity(self) -> Identity:
        return Identity(
            self.name.data or "", (self.slug.data or "").strip(), self.legal_name.data or "", self.country.data or "",
            self.currency.data, self.time_zone.data,
        )  # fmt: skip


class KindForm(OnceForm):
    kind = RadioField(
        _l("What you are here for"), [InputRequired(_l("Choose one."))],
        choices=[(kind.value, label) for kind, (label, _note) in KINDS.items()],
    )  # fmt: skip

    def lock(self) -> None:
        """Where providers are switched off, buyers are all there is."""
        self.kind.choices = [one for one in self.kind.choices if one[0] == OrganizationKind.BUYER.value]


class ModeForm(OnceForm):
    mode = RadioField(
        _l("How bookings are paid"), [InputRequired(_l("Choose one."))],
        choices=[(mode.value, label) for mode, (label, _note) in MODES.items()],
    )  # fmt: skip
    terms_days = SelectField(
        _l("Invoices are due after"), coerce=int, choices=lambda: [(days, terms_text(days)) for days in TERMS],
        description=_l("Longer terms are agreed with us."),
    )  # fmt: skip
    email = EmailField(
        _l("Billing e-mail"), [InputRequired(_l("Say where invoices go.")), Length(max=254)],
        description=_l("Invoices and reminders are mailed there."),
    )  # fmt: skip
    reference = StringField(
        _l("Reference"), [Length(max=100)], description=_l("Printed on each invoice, such as a purchase order.")
    )


class RatesForm(OnceForm):
    organization_bps = StringField(_l("Your part"), [InputRequired(_l("Give a percentage.")), Length(max=10)])
    consultant_bps = StringField(_l("Consultants’ part"), [InputRequired(_l("Give a percentage.")), Length(max=10)])
    auto_approve = BooleanField(
        _l("Let consultants in at once"),
        description=_l("Otherwise each one you invite waits until somebody of yours says yes."),
    )

    def own(self, platform_bps: int) -> int:
        """The organization's part in basis points. Raises Invalid beside the field that is wrong."""
        read, wrong = {}, {}
        for name in ("organization_bps", "consultant_bps"):
            found = read_commission(self._fields[name].data or "")
            if found is None:
                wrong[name] = _("Write a percentage between 0 and 100, with two decimals at most.")
            else:
                read[name] = found
        whole = platform_bps + sum(read.values())
        if not wrong and whole != WHOLE_BPS:
            wrong["consultant_bps"] = _("The three add up to %(sum)s %%, not to 100 %%.", sum=f"{whole / 100:g}")
        if wrong:
            raise Invalid(_("These rates cannot be set."), fields=wrong)
        return read["organization_bps"]


class TeamForm(OnceForm):
    admins = TextAreaField(_l("Admins"), [Length(max=5_000)], description=_l("Everything but owners."))
    managers = TextAreaField(
        _l("Managers"), [Length(max=5_000)], description=_l("Import and decide on bills, keep payees and consultants.")
    )
    support = TextAreaField(_l("Support"), [Length(max=5_000)], description=_l("Read, and write messages."))

    def invitees(self) -> list[Invitee]:
        return [
            Invitee(address, role)
            for name, role in TEAM.items()
            if name in self._fields
            for address in dict.fromkeys(_BETWEEN.split((self._fields[name].data or "").strip().lower()))
            if address
        ]

    def place(self, refusal: Invalid) -> Invalid:
        """The same refusal beside the box with the address it names."""
        for name in TEAM.keys() & self._fields.keys():
            for address in _BETWEEN.split((self._fields[name].data or "").lower()):
                if address and address in refusal.message:
                    return Invalid(refusal.message, fields={name: refusal.message})
        return Invalid(refusal.message)


class DocumentsForm(FilesForm):
    most_files = 5
    files = MultipleFileField(
        _l("Documents"), description=_l("Certificates of registration or of tax, as PDF or picture; up to five.")
    )
