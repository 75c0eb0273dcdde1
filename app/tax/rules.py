"""Decisions about tax forms: pure, no session."""

from __future__ import annotations

import re
from collections.abc import Mapping

from stdnum.exceptions import ValidationError
from stdnum.us import ein, ssn

from app.payees.states import BusinessType
from app.tax.states import Classification, TinKind

C = Classification
FORM_MISSING = "The organization needs a signed Form W-9 before it pays."
FORM_MISSING_CURE = "Fill it in under Settings, Tax form; payouts go on at once."
# https://www.irs.gov Publication 4757: the middle two digits of a number for persons who cannot have an SSN.
_ITIN_GROUPS = frozenset((*range(50, 66), *range(70, 89), *range(90, 93), *range(94, 100)))
_ZIP = re.compile(r"[0-9]{5}(-[0-9]{4})?")
EXEMPT_CODES = tuple(str(n) for n in range(1, 14))
FATCA_CODES = tuple("ABCDEFGHIJKLM")
STATES = (
    "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR "
    "PA RI SC SD TN TX UT VT VA WA WV WI WY AS GU MP PR VI AA AE AP"
).split()
LONGEST = 120


# What a business of each type writes on line 3a. An LLC with one owner signs as its owner.
_CLASSIFICATIONS = {
    BusinessType.LLC: {C.LLC_C, C.LLC_S, C.LLC_P, C.INDIVIDUAL},
    BusinessType.S_CORP: {C.S_CORPORATION},
    BusinessType.C_CORP: {C.C_CORPORATION},
    BusinessType.PARTNERSHIP: {C.PARTNERSHIP},
    BusinessType.SOLE_PROPRIETOR: {C.INDIVIDUAL},
}


def agrees(classification: Classification | None, business: BusinessType | None) -> bool:
    """Whether a form's classification can be that of such a business. Where one is missing or "other", it can."""
    if classification is None or business is None or classification is C.OTHER:
        return True
    return classification in _CLASSIFICATIONS[business]


def is_us(country: str | None, currency: str) -> bool:
    """Whether a payee counts as a US person: by country, and while none is known by being paid in US dollars."""
    return country == "US" or (not country and currency == "USD")


def normal_tin(kind: TinKind, text: str) -> str | None:
    """Nine digits of a number that can have been issued, else None. Dashes and spaces may stand anywhere."""
    digits = re.sub(r"[\s-]", "", text)
    if not re.fullmatch(r"[0-9]{9}", digits):
        return None
    if kind is TinKind.ITIN:
        return digits if digits[0] == "9" and int(digits[3:5]) in _ITIN_GROUPS else None
    try:
        return str(ssn.validate(digits) if kind is TinKind.SSN else ein.validate(digits))
    except ValidationError:
        return None


def masked(kind: TinKind, last4: str) -> str:
    """As the IRS lets it be shown."""
    return f"XX-XXX{last4}" if kind is TinKind.EIN else f"XXX-XX-{last4}"


def faults(values: Mapping[str, str], classification: Classification, kind: TinKind) -> dict[str, str]:
    """Field → sentence for everything wrong with a form but its number."""
    person = classification is Classification.INDIVIDUAL
    needed = {
        "street": "Write street and number.",
        "city": "Write the city.",
        "signed_name": "Type your name to sign.",
        **(
            {"first_name": "Write your first name.", "last_name": "Write your last name."}
            if person
            else {"entity_name": "Write the name on your tax return."}
        ),
    }
    if classification is Classification.OTHER:
        needed["other_classification"] = "Say which classification."
    wrong = {field: said for field, said in needed.items() if not values.get(field, "").strip()}
    wrong |= {field: f"At most {LONGEST} characters." for field, text in values.items() if len(text) > LONGEST}
    if values.get("state", "") not in STATES:
        wrong["state"] = "Choose the state."
    if not _ZIP.fullmatch(values.get("zip_code", "").strip()):
        wrong["zip_code"] = "A ZIP code has five digits, or nine: 12345-6789."
    if values.get("exempt_payee_code") and values["exempt_payee_code"] not in EXEMPT_CODES:
        wrong["exempt_payee_code"] = "A code from 1 to 13."
    if values.get("exempt_payee_code") and person:
        wrong["exempt_payee_code"] = "Individuals are not exempt: leave this empty."
    if values.get("fatca_code") and values["fatca_code"] not in FATCA_CODES:
        wrong["fatca_code"] = "A letter from A to M."
    if not person and kind is not TinKind.EIN:
        wrong["tin_kind"] = "A business gives its EIN."
    return wrong
