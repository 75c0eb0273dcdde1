"""Which ways of being paid there are, and for whom each is: said before anything is chosen."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from app.methods import connect
from app.rails import registry
from app.rails.base import Rail
from portals.shared.payee.availability import availability
from portals.web.db import db


@dataclass(frozen=True, slots=True)
class Way:
    """`line`: where and in what it pays; `elsewhere`: the reader's country where it does not; `refused`: it cannot be
    chosen there, and what instead."""

    rail: Rail
    line: str
    elsewhere: str = ""
    refused: str = ""


def ways(payee_id: UUID) -> list[Way]:
    """Those of this deployment, in the order people see them."""
    country = connect.country_of(db(), payee_id)
    return [_way(rail, country) for rail in registry.available()]


def _way(rail: Rail, country: str) -> Way:
    reach = availability(rail, country or None)
    refused = connect.why_not(country) if rail.connects and reach.elsewhere else ""
    return Way(rail, reach.line, reach.elsewhere, refused)
