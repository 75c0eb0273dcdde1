from __future__ import annotations

import pytest

from app.identity.rules import has_reset
from app.identity.states import PAYEE_PORTALS, Portal
from app.payees.kinds import SPECS, of_portal
from app.payees.states import PayeeKind


def test_every_kind_has_its_row() -> None:
    assert set(SPECS) == set(PayeeKind)
    assert all(spec.kind is kind for kind, spec in SPECS.items())


def test_every_payee_portal_belongs_to_one_kind() -> None:
    assert sorted(spec.portal for spec in SPECS.values() if spec.portal) == sorted(PAYEE_PORTALS)
    assert of_portal("admin") is None and of_portal("org") is None


@pytest.mark.parametrize("portal", sorted(PAYEE_PORTALS))
def test_signing_in_knows_who_may_reset_a_password(portal: Portal) -> None:
    spec = of_portal(portal.value)
    assert spec is not None and spec.resets_password is has_reset(portal)


def test_single_engagement_and_bills() -> None:
    assert {kind for kind, spec in SPECS.items() if spec.single_engagement} == {"contractor", "vendor"}
    assert {kind for kind, spec in SPECS.items() if spec.requests_payments} == {"contractor", "vendor"}
