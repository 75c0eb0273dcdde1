"""The demo's bank profiles: who the platform is in files for banks of three countries."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.core.scope import Actor
from app.payouts import bank_profiles
from app.rails.originators import DEFAULTS, ProfileKind

# Numbers of banks' own examples and of published samples: they belong to nobody's account.
_PROFILES: dict[ProfileKind, dict[str, str]] = {
    ProfileKind.NACHA: {
        "destination": "091000019", "destination_name": "EXAMPLE BANK", "origin": "1234567890",
        "origin_name": "QUITTANCE INC", "company_id": "1234567890", "company_name": "QUITTANCE", "odfi": "091000019",
    },
    ProfileKind.SEPA: {
        "name": "Quittance BV", "iban": "NL91ABNA0417164300", "bic": "ABNANL2A", "town": "Amsterdam", "country": "NL",
    },
    ProfileKind.NEFT: {"account": "50200099998888", "ifsc": "HDFC0000001", "name": "Quittance India Pvt Ltd"},
}  # fmt: skip


def load(session: Session, admin: Actor) -> None:
    house = bank_profiles.house_of(session)
    for kind, values in _PROFILES.items():
        bank_profiles.save(session, admin, house, kind, {**DEFAULTS[kind], **values})
