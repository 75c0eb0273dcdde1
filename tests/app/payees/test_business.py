"""What a vendor is in law: stated by itself or its organization, by nobody else, and never a personal number."""

from __future__ import annotations

from uuid import UUID

import pytest

from app.core.errors import Forbidden, Invalid
from app.core.scope import Scope, operator
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.payees import queries, service
from app.payees.rules import Business
from app.payees.states import BusinessType, PayeeKind
from app.tax.rules import agrees
from app.tax.states import Classification
from tests.factories import organizations, payees, people

pytestmark = pytest.mark.usefixtures("database_url")


@pytest.fixture
def oxford() -> UUID:
    return organizations.organization("oxford")


def stated(organization_id: UUID, payee_id: UUID) -> tuple[object, ...]:
    with unit_of_work(Scope.organization(organization_id)) as session:
        row = queries.detail(session, organization_id, payee_id)
    return row.business_type, row.legal_name, row.trading_name, row.registration_number


def test_the_vendor_and_the_organization_state_it(oxford: UUID, superuser) -> None:  # type: ignore[no-untyped-def]
    payee_id = payees.vendor(oxford, business_type=BusinessType.LLC, legal_name=" Lumen Print  LLC ")
    assert stated(oxford, payee_id) == (BusinessType.LLC, "Lumen Print LLC", None, None)
    with unit_of_work(Scope.payee(payee_id)) as session:
        said = Business(BusinessType.C_CORP, "Lumen Print Inc.", "Lumen", "GB 123 4567 89")
        service.state_business(session, people.payee(payee_id), payee_id, said)
    assert stated(oxford, payee_id) == (BusinessType.C_CORP, "Lumen Print Inc.", "Lumen", "GB 123 4567 89")
    with unit_of_work(Scope.organization(oxford)) as session:
        service.edit(session, operator(), oxford, payee_id, trading_name="", business_type=BusinessType.S_CORP)
    assert stated(oxford, payee_id) == (BusinessType.S_CORP, "Lumen Print Inc.", None, "GB 123 4567 89")
    query = (
        "SELECT detail->'changed' FROM audit_records WHERE action = 'payee.business_stated' AND organization_id = %s"
    )
    (changed,) = superuser.execute(query, [oxford]).fetchone()
    assert changed == ["business_type", "legal_name", "registration_number", "trading_name"]


def test_nobody_else_states_it(oxford: UUID) -> None:
    payee_id, other = payees.vendor(oxford), payees.vendor(oxford, "Acorn")
    for actor, scope in (
        (people.payee(other), Scope.payee(other)),
        (people.member(oxford), Scope.organization(oxford)),
    ):
        with unit_of_work(scope) as session, pytest.raises(Forbidden):
            service.state_business(session, actor, payee_id, Business(BusinessType.LLC))
    assert stated(oxford, payee_id)[0] is None


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"registration_number": "536-90-4399"}, "registration_number"),
        ({"registration_number": "536 90 4399"}, "registration_number"),
        ({"registration_number": "x" * 51}, "registration_number"),
        ({"registration_number": "<b>1</b>"}, "registration_number"),
        ({"legal_name": "x" * 201}, "legal_name"),
        ({"trading_name": "x" * 201}, "trading_name"),
    ],
)
def test_what_is_refused(oxford: UUID, wrong: dict[str, str], field: str) -> None:
    payee_id = payees.vendor(oxford)
    with unit_of_work(Scope.payee(payee_id)) as session, pytest.raises(Invalid) as refusal:
        service.state_business(session, people.payee(payee_id), payee_id, Business(**wrong))
    assert set(refusal.value.fields) == {field}
    assert "536" not in str(refusal.value.fields)


def test_only_vendors_are_businesses(oxford: UUID) -> None:
    with pytest.raises(Invalid) as refusal:
        payees.vendor(oxford, kind=PayeeKind.CONTRACTOR, business_type=BusinessType.LLC, trading_name="X")
    assert set(refusal.value.fields) == {"business_type", "trading_name"}
    contractor = payees.vendor(oxford, "Tomas", kind=PayeeKind.CONTRACTOR, legal_name="Tomas Rivera")
    actor = people.payee(contractor, "t@contractor.test", Portal.CONTRACTOR)
    with unit_of_work(Scope.payee(contractor)) as session, pytest.raises(Invalid):
        service.state_business(session, actor, contractor, Business(BusinessType.LLC))


@pytest.mark.parametrize(
    ("classification", "business", "expected"),
    [
        (Classification.LLC_S, BusinessType.LLC, True),
        (Classification.INDIVIDUAL, BusinessType.LLC, True),  # one owner: signs as the owner
        (Classification.C_CORPORATION, BusinessType.LLC, False),
        (Classification.INDIVIDUAL, BusinessType.SOLE_PROPRIETOR, True),
        (Classification.LLC_P, BusinessType.PARTNERSHIP, False),
        (Classification.TRUST_ESTATE, BusinessType.C_CORP, False),
        (Classification.OTHER, BusinessType.C_CORP, True),
        (None, BusinessType.C_CORP, True),
        (Classification.C_CORPORATION, None, True),
    ],
)
def test_agreement_with_the_tax_form(
    classification: Classification | None, business: BusinessType | None, expected: bool
) -> None:
    assert agrees(classification, business) is expected
