"""Bank accounts the world over: which fields a country uses, and whether the digits can be right."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from app.core.countries import countries
from app.rails.base import Field
from app.rails.fields import compact, read, refuse

_GROUPED = r"[A-Za-z0-9][A-Za-z0-9 .\-]*"
FIELDS: tuple[Field, ...] = (
    Field(
        "account_holder", "Account holder", r".{2,140}", "The name as the bank knows it.", autocomplete="billing name"
    ),
    Field(
        "country",
        "Country of the account",
        r"[A-Za-z]{2}",
        "Two letters, for example GB, DE or US.",
        required=False,
        autocomplete="country",
    ),
    Field("sort_code", "Sort code", r"\d{2}[ .\-]?\d{2}[ .\-]?\d{2}", "UK accounts: six digits.", required=False),
    Field("routing_number", "Routing number (ABA)", r"\d[\d \-]{8,12}", "US accounts: nine digits.", required=False),
    Field("account_number", "Account number", _GROUPED, "Letters and digits only.", secret=True, required=False),
    Field(
        "account_type",
        "Account type",
        r"(?i)checking|savings",
        "US accounts only.",
        required=False,
        choices=(("checking", "Checking"), ("savings", "Savings")),
    ),
    Field("iban", "IBAN", _GROUPED, "Where the country uses IBANs.", secret=True, required=False),
    Field("bic", "BIC (SWIFT code)", r"[A-Za-z0-9 ]{8,12}", "8 or 11 characters.", required=False),
    Field("bank_code", "Bank or branch code", _GROUPED, "IFSC, BSB, bank code: as your bank names it.", required=False),
)
_COMPACT = ("sort_code", "routing_number", "account_number", "iban", "bic", "bank_code", "country")
IFSC = re.compile(r"[A-Z]{4}0[A-Z0-9]{6}")


def validate(destination: Mapping[str, str]) -> dict[str, str]:
    """The fields of one account, compact and complete, with its country.

    UK: sort code and account number, or a GB IBAN. US: ABA routing and account number. Countries with IBANs: IBAN,
    BIC optional. Elsewhere: account number with a bank code or a BIC. Raises Invalid naming each bad field.
    """
    values, wrong = read(FIELDS, destination)
    for name in _COMPACT:
        if name in values:
            values[name] = compact(values[name])
    if "account_type" in values:
        values["account_type"] = values["account_type"].lower()
    country = _country(values, wrong)
    if "bic" in values:
        _check_bic(values, wrong)
    if country == "GB":
        _british(values, wrong)
    elif country == "US":
        _american(values, wrong)
    elif "iban" in values or (country and _has_ibans(country)):
        _check_iban(values, wrong)
    elif country:
        _elsewhere(values, wrong, country)
    refuse(wrong)
    return values


def last4(destination: Mapping[str, str]) -> str:
    """The last four characters of the account number or IBAN."""
    return (destination.get("account_number") or destination.get("iban") or "")[-4:]


def _country(values: dict[str, str], wrong: dict[str, str]) -> str:
    """The country as given, or as the other fields give it away; "" and an entry in `wrong` when neither says."""
    if "country" in wrong:
        return ""
    country = values.get("country", "")
    if country == "UK":
        country = "GB"
    if not country and "iban" in values:
        country = values["iban"][:2]
    elif not country and "sort_code" in values:
        country = "GB"
    elif not country and "routing_number" in values:
        country = "US"
    if not country:
        wrong["country"] = "Say in which country the account is."
    elif country not in countries():
        if "country" in values:
            wrong["country"] = f"{country} is not a country code. Two letters, for example GB, DE or US."
        else:
            wrong["iban"] = "An IBAN begins with the two letters of its country."
        return ""
    else:
        values["country"] = country
    return country


@cache
def _has_ibans(country: str) -> bool:
    from schwifty import registry  # slow to import
    from schwifty.exceptions import SchwiftyException

    try:
        registry.get_iban_spec(country)
    except SchwiftyException:
        return False
    return True


def why_not_iban(iban: str) -> str:
    """What is wrong with an IBAN, "" when it can be right."""
    from schwifty import IBAN  # slow to import
    from schwifty.exceptions import SchwiftyException

    try:
        IBAN(iban, validate_bban=True)
    except (SchwiftyException, ValueError):
        return "This IBAN has a mistake in it: its check digits or its length do not fit."
    return ""


def why_not_bic(bic: str) -> str:
    """What is wrong with a BIC, "" when it can be right."""
    from schwifty import BIC  # slow to import
    from schwifty.exceptions import SchwiftyException

    try:
        BIC(bic)
    except (SchwiftyException, ValueError):
        return "This is not a BIC: 8 or 11 characters, the fifth and sixth are the country."
    return ""


def in_sepa(iban: str) -> bool:
    """Whether euros get there by a SEPA credit transfer."""
    from schwifty import IBAN  # slow to import
    from schwifty.exceptions import SchwiftyException

    try:
        return bool(IBAN(iban).in_sepa_zone)
    except (SchwiftyException, ValueError):
        return False


def _check_iban(values: dict[str, str], wrong: dict[str, str]) -> None:
    if "iban" not in values:
        wrong.setdefault("iban", f"Accounts in {values['country']} are paid by IBAN.")
        return
    for other in ("account_number", "bank_code", "sort_code", "routing_number"):
        if other in values and values["country"] != "GB":
            wrong[other] = "Leave this empty: the IBAN says it already."
    why_not = why_not_iban(values["iban"])
    if why_not:
        wrong["iban"] = why_not
    elif values["iban"][:2] != values["country"]:
        wrong["iban"] = f"This IBAN belongs to {values['iban'][:2]}, the country says {values['country']}."


def _check_bic(values: dict[str, str], wrong: dict[str, str]) -> None:
    why_not = why_not_bic(values["bic"])
    if why_not:
        wrong["bic"] = why_not


def _british(values: dict[str, str], wrong: dict[str, str]) -> None:
    iban = values.get("iban", "")
    if iban:
        _check_iban(values, wrong)
        if "sort_code" not in values and "account_number" not in values:
            return
    elif "sort_code" not in values:
        wrong.setdefault("sort_code", "Give the sort code, six digits.")
    number = values.get("account_number", "")
    if not re.fullmatch(r"\d{6,8}", number):
        wrong.setdefault("account_number", "A UK account number has eight digits.")
        return
    values["account_number"] = number.zfill(8)  # older accounts have six or seven
    if iban and "iban" not in wrong and iban[8:] != values.get("sort_code", "") + values["account_number"]:
        wrong["account_number"] = "The sort code and account number are not those of the IBAN."


def _american(values: dict[str, str], wrong: dict[str, str]) -> None:
    from stdnum.us import rtn

    if "iban" in values:
        wrong["iban"] = "US accounts have no IBAN. Give the routing number and the account number."
    if "routing_number" not in values:
        wrong.setdefault("routing_number", "Give the routing number, nine digits.")
    elif not rtn.is_valid(values["routing_number"]):
        wrong["routing_number"] = "This routing number has a mistake in it: its check digit does not fit."
    if not re.fullmatch(r"[A-Z0-9]{4,17}", values.get("account_number", "")):
        wrong.setdefault("account_number", "Give the account number, 4 to 17 characters.")
    values.setdefault("account_type", "checking")


def _elsewhere(values: dict[str, str], wrong: dict[str, str], country: str) -> None:
    if not re.fullmatch(r"[A-Z0-9]{4,34}", values.get("account_number", "")):
        wrong.setdefault("account_number", "Give the account number, 4 to 34 characters.")
    if country == "IN":
        if not IFSC.fullmatch(values.get("bank_code", "")):
            wrong["bank_code"] = "Give the IFSC: four letters, a zero, six characters."
    elif "bank_code" not in values and "bic" not in values and "bic" not in wrong:
        wrong["bank_code"] = "Give the bank code or the BIC."
