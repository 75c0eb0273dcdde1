"""What an organization says of itself on documents is checked as documents need it."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from app.billing import parties, profiles
from app.billing.profiles import Details, Issuing
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.scope import Scope, operator
from app.db.session import unit_of_work
from app.organizations.states import Role
from tests.factories import consultations, organizations, people

pytestmark = pytest.mark.usefixtures("database_url")
PUNE = Details("Sarvani Coaching LLP", "IN", "4 FC Road", "Pune", "411004", "27", "27AAPFU0939F1ZV")
ISSUING = Issuing("qt", "998311", 1_800, True, "HDFC Bank", "HDFC 0000123", "5010 0123 4567")


@pytest.fixture
def oxford() -> UUID:
    return organizations.organization("oxford")


def test_details_are_written_once_and_again(oxford: UUID) -> None:
    who = people.member(oxford)
    with unit_of_work(Scope.organization(oxford)) as session:
        with pytest.raises(NotFound):
            profiles.set_contact(session, who, oxford, email="", reference="")
        profiles.save(session, who, oxford, PUNE)
        profiles.save(session, who, oxford, replace(PUNE, street="5 FC Road"))
        profiles.set_contact(session, who, oxford, email="AP@Oxford.test", reference="PO  7", terms_days=14)
        profiles.set_logo(session, who, oxford, b"\x89PNG picture")
    with unit_of_work(people.PLATFORM) as session:
        found = parties.billed(session, [oxford])[oxford]
        assert (found.party.street, found.party.email, found.reference) == ("5 FC Road", "ap@oxford.test", "PO 7")
        assert (found.buyer.region, found.terms_days) == ("27", 14)
        assert profiles.logo(session, oxford)[0] == b"\x89PNG picture"


@pytest.mark.parametrize(
    ("details", "field"),
    [
        (replace(PUNE, legal_name=" "), "legal_name"),
        (replace(PUNE, country="XX"), "country"),
        (replace(PUNE, tax_id="27AAPFU0939F1ZX"), "tax_id"),
        (replace(PUNE, region="29"), "tax_id"),
        (replace(PUNE, region="", tax_id=""), "region"),
        (replace(PUNE, tax_id="", special_zone=True), "special_zone"),
        (Details("Rhein GmbH", "DE", tax_id="DE12"), "tax_id"),
    ],
)
def test_what_documents_cannot_carry_is_refused_beside_its_field(oxford: UUID, details: Details, field: str) -> None:
    with pytest.raises(Invalid) as refusal, unit_of_work(Scope.organization(oxford)) as session:
        profiles.save(session, people.member(oxford), oxford, details)
    assert list(refusal.value.fields) == [field]


def test_long_terms_are_the_platform_s_to_give_and_managers_write_nothing(oxford: UUID) -> None:
    with unit_of_work(Scope.organization(oxford)) as session:
        with pytest.raises(Forbidden):
            profiles.save(session, people.member(oxford, Role.MANAGER), oxford, PUNE)
        who = people.member(oxford)
        profiles.save(session, who, oxford, PUNE)
        with pytest.raises(Invalid):
            profiles.set_contact(session, who, oxford, email="", reference="", terms_days=90)


def test_the_platform_says_who_it_is_before_it_issues() -> None:
    with unit_of_work(people.PLATFORM) as session, pytest.raises(NotFound):
        profiles.house_of(session)
    house = consultations.house()
    with unit_of_work(people.PLATFORM) as session:
        with pytest.raises(Conflict, match="no billing details"):
            parties.issuer(session)
        for wrong, field in (
            (replace(ISSUING, prefix="TOOLONG"), "prefix"), (replace(ISSUING, service_code="12"), "service_code"),
            (replace(ISSUING, bank_account="1"), "bank_account"),
            (replace(ISSUING, service_rate_bps=-1), "service_rate"),
        ):  # fmt: skip
            with pytest.raises(Invalid) as refusal:
                profiles.save_issuer(session, operator(), PUNE, email="", reference="", issuing=wrong)
            assert list(refusal.value.fields) == [field]
        assert profiles.save_issuer(session, operator(), PUNE, email="a@b.test", reference="", issuing=ISSUING) == house
        found = parties.issuer(session)
        assert (found.prefix, found.service_rate_bps, found.seller.undertaking) == ("QT", 1_800, True)
        assert found.bank and (found.bank.account, found.bank.code) == ("501001234567", "HDFC0000123")
    with pytest.raises(Forbidden), unit_of_work(people.PLATFORM) as session:
        profiles.save_issuer(session, people.member(house), PUNE, email="", reference="", issuing=ISSUING)
