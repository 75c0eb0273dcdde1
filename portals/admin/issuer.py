"""Who the platform is on the invoices it issues: nothing is billed before it is written."""

from __future__ import annotations

from flask import Response, g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, EmailField, StringField
from wtforms.validators import InputRequired, Length

from app.billing import profiles
from app.billing.invoice_models import BillingProfile
from app.billing.profiles import Issuing
from app.core.errors import Invalid
from app.payees.rules import read_commission
from portals.admin import bp
from portals.shared.billing_details import BillingForm, indian_states, said, show_logo
from portals.web.db import db
from portals.web.guards import step_up_required
from portals.web.htmx import done, page


class IssuerForm(BillingForm):
    prefix = StringField(
        _l("Prefix of numbers"), [InputRequired(_l("Give a prefix.")), Length(max=4)],
        description=_l("INV makes INV-2026-00001, in India INV/2627/00001. A new prefix goes on counting."),
    )  # fmt: skip
    service_code = StringField(_l("Service code"), [Length(max=20)], description=_l("SAC in India, such as 998311."))
    service_rate = StringField(
        _l("Tax on services"), [Length(max=10)], description=_l("In percent; taxed only with a tax number.")
    )
    undertaking = BooleanField(
        _l("A letter of undertaking is filed"), description=_l("India: exports leave without tax.")
    )
    email = EmailField(_l("E-mail for questions"), [Length(max=254)])
    bank_name = StringField(_l("Bank"), [Length(max=100)])
    bank_code = StringField(_l("Bank code"), [Length(max=20)], description=_l("BIC, IFSC or routing number."))
    bank_account = StringField(
        _l("Account number or IBAN"), [Length(max=50)], description=_l("Printed on every invoice: where it is paid.")
    )

    def issuing(self) -> Issuing:
        """Raises Invalid beside the rate; the service checks the rest."""
        typed = (self.service_rate.data or "").strip() or "0"
        rate = read_commission(typed)
        if rate is None:
            sentence = _("Write a percentage between 0 and 100, with two decimals at most.")
            raise Invalid(sentence, fields={"service_rate": sentence})
        return Issuing(
            self.prefix.data or "", self.service_code.data or "", rate, bool(self.undertaking.data),
            self.bank_name.data or "", self.bank_code.data or "", self.bank_account.data or "",
        )  # fmt: skip


def _issues(profile: BillingProfile | None) -> dict[str, object]:
    if profile is None:
        return {"prefix": "INV", "service_rate": "0"}
    return {
        "prefix": profile.prefix, "service_code": profile.service_code, "undertaking": profile.undertaking,
        "service_rate": f"{profile.service_rate_bps / 100:g}", "email": profile.email, "bank_name": profile.bank_name,
        "bank_code": profile.bank_code, "bank_account": profile.bank_account,
    }  # fmt: skip


@bp.route("/billing/issuer", methods=["GET", "POST"])
@step_up_required
def issuer() -> ResponseReturnValue:
    """It says where money is sent, so whoever changes it proves who they are."""
    house = profiles.house_of(db())
    profile = profiles.find(db(), house)
    form = IssuerForm(data=said(profile) | _issues(profile))
    del form.special_zone
    if form.accepts_with_files():
        picture = form.picture()
        with form.refusals():
            profiles.save_issuer(
                db(), g.actor, form.details(), email=form.email.data or "", reference="", issuing=form.issuing()
            )  # fmt: skip
            if picture or form.no_logo.data:
                profiles.set_logo(db(), g.actor, house, picture)
            toast = (_("Saved"), _("Documents from now on say it; what was issued stays."))
            return done(back=url_for(".issuer"), toast=toast)
    return page(
        "admin/billing/issuer.html", fragment="admin/billing/_issuer.html", form=form, states=indian_states(),
        action=url_for(".issuer"), logo_sha256=profile.logo_sha256 if profile else None,
        logo_endpoint="admin.issuer_logo", missing=profile is None,
    )  # fmt: skip


@bp.get("/billing/issuer/logo")
def issuer_logo() -> Response:
    return show_logo(*profiles.logo(db(), profiles.house_of(db())))
