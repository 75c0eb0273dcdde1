"""What an organization says of itself on documents, as forms ask for it: the wizard, its settings, the platform's own.

A state of India is written by its name or its code; a GSTIN alone names it too.
"""

from __future__ import annotations

from flask import Response, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import FileStorage
from wtforms import BooleanField, MultipleFileField, SelectField, StringField
from wtforms.validators import InputRequired, Length

from app.billing.indian_states import STATES
from app.billing.invoice_models import BillingProfile
from app.billing.profiles import INDIA, Details
from app.core.errors import Invalid
from app.files import pictures
from app.files.sniffing import Inspected
from portals.shared.application_form import country_choices
from portals.web.uploads import FilesForm, fetch

_CODES = {name.casefold(): code for code, name in STATES.items()}


class BillingForm(FilesForm):
    """`files` is the logo; another one takes the place of the first."""

    most_files = 1
    only = pictures.KINDS
    legal_name = StringField(
        _l("Legal name"), [InputRequired(_l("Give the name invoices are made out to.")), Length(max=200)]
    )
    country = SelectField(_l("Country"), [InputRequired(_l("Choose a country."))], choices=country_choices)
    street = StringField(_l("Street"), [Length(max=200)])
    city = StringField(_l("City"), [Length(max=100)])
    postcode = StringField(_l("Postcode"), [Length(max=20)])
    region = StringField(
        _l("State or region"), [Length(max=100)], description=_l("In India the state decides which tax is due.")
    )
    tax_id = StringField(_l("Tax number"), [Length(max=40)], description=_l("GSTIN in India, VAT number in Europe."))
    special_zone = BooleanField(_l("A unit in a special economic zone of India"))
    files = MultipleFileField(_l("Logo"), description=_l("PNG, JPEG or WebP; shown at most 600 by 200 pixels."))
    no_logo = BooleanField(_l("Remove the logo"))

    def receive(self) -> bool:
        if any(file.filename for file in request.files.getlist("files")):
            self.uploads = []
        return super().receive()

    def _look(self, file: FileStorage) -> tuple[Inspected, bytes]:
        try:
            return pictures.logo(file.stream.read(), file.filename or "")
        except Invalid as refusal:
            raise Invalid(_("%(name)s: %(why)s", name=(file.filename or "")[:120], why=refusal.message)) from None
        finally:
            file.stream.seek(0)

    def details(self) -> Details:
        """As it was typed; the service checks."""
        country, tax_id = self.country.data or "", self.tax_id.data or ""
        region = state_of(country, self.region.data or "", tax_id)
        return Details(
            self.legal_name.data or "", country, self.street.data or "", self.city.data or "",
            self.postcode.data or "", region, tax_id, bool(self.special_zone and self.special_zone.data),
        )  # fmt: skip

    def picture(self) -> bytes | None:
        """The logo that was sent; call before the first change of the request. Raises StorageUnavailable."""
        return fetch(self.uploads[0].key) if self.uploads else None


def state_of(country: str, region: str, tax_id: str) -> str:
    """Of India the code of a state, by its name, its code or the GSTIN; elsewhere what was written."""
    region = region.strip()
    return _CODES.get(region.casefold(), region) or tax_id.strip()[:2] if country == INDIA else region


def said(profile: BillingProfile | None) -> dict[str, object]:
    """What a form begins with; {} while nothing was written."""
    if profile is None:
        return {}
    region = STATES.get(profile.region, profile.region) if profile.country == INDIA else profile.region
    return {
        "legal_name": profile.legal_name, "country": profile.country, "street": profile.street, "city": profile.city,
        "postcode": profile.postcode, "region": region, "tax_id": profile.tax_id, "special_zone": profile.special_zone,
    }  # fmt: skip


def region_name(profile: BillingProfile) -> str:
    return STATES.get(profile.region, profile.region) if profile.country == INDIA else profile.region


def indian_states() -> list[str]:
    """Names, for a list to choose from while typing."""
    return sorted(STATES.values())


def show_logo(picture: bytes, sha256: str) -> Response:
    """The picture; a browser asks again only whether it is still the same."""
    if request.if_none_match.contains(sha256):
        answer = Response(status=304)
    else:
        answer = Response(picture, content_type=pictures.content_type(picture))
    answer.set_etag(sha256)
    answer.headers["Cache-Control"] = "private, max-age=0"
    answer.headers["Content-Disposition"] = "inline"
    return answer
