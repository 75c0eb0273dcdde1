"""Payout methods made through their service."""

from __future__ import annotations

from uuid import UUID

from app.core.scope import operator
from app.db.session import unit_of_work
from app.methods import service
from tests.factories.people import PLATFORM

BANK = {"account_holder": "SMS Connections Ltd", "sort_code": "20-00-00", "account_number": "55779911"}
CHECK = {
    "payee_name": "SMS Connections Ltd",
    "address_1": "1 High Street",
    "city": "Oxford",
    "postal_code": "OX1 1BX",
    "country": "GB",
}
SIMULATED = {"account_holder": "SMS Connections Ltd", "account_number": "1234567890"}


def simulated(payee_id: UUID, account_number: str = "1234567890") -> UUID:
    with unit_of_work(PLATFORM) as session:
        fields = {**SIMULATED, "account_number": account_number}
        return service.add(session, operator(), payee_id, rail="simulated", fields=fields).id
