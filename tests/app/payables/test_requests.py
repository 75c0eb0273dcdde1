"""Payment requests as the payee writes them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.core.clock import today
from app.core.errors import Conflict, Forbidden, Invalid, InvalidTransition, NotFound
from app.core.scope import Actor, Scope, operator
from app.db.session import unit_of_work
from app.files.models import FilePurpose, StoredFile
from app.organizations.states import Role
from app.payables import queries, service
from app.payables.models import PaymentRequest
from app.payables.queries import RequestFilter
from app.payables.states import RequestStatus
from app.payees import service as payees_service
from app.payees.states import EngagementStatus
from tests.factories import organizations, payables, payees, people
from tests.factories.payables import form

pytestmark = pytest.mark.usefixtures("database_url")


@pytest.fixture
def oxford() -> UUID:
    return organizations.organization("oxford")


@pytest.fixture
def vendor(oxford: UUID) -> Actor:
    return people.payee(payees.vendor(oxford, email="office@sms.test"), "ann@sms.test")


def own(actor: Actor) -> Any:
    assert actor.payee_id is not None
    return unit_of_work(Scope.payee(actor.payee_id))


def status_of(request_id: UUID) -> RequestStatus:
    with unit_of_work(people.PLATFORM) as session:
        return session.get_one(PaymentRequest, request_id).status


def test_a_vendor_submits_and_reviewers_are_told(oxford: UUID, vendor: Actor, superuser: Any) -> None:
    people.member(oxford, Role.MANAGER, "m@oxford.test")
    people.member(oxford, Role.SUPPORT, "s@oxford.test")
    with own(vendor) as session:
        made = service.submit_new(session, vendor, oxford, form(invoice_number=" 77 ", project="Park"))
    assert (made.reference, made.invoice_number, made.status) == ("REQ-00001", "77", RequestStatus.SUBMITTED)
    mails = superuser.execute("SELECT to_address, template FROM mails").fetchall()
    assert mails == [("m@oxford.test", "request_received")]
    with unit_of_work(Scope.organization(oxford)) as session:
        found = queries.detail(session, made.id, oxford)
        assert (found.payee_name, found.amount_minor, found.project) == ("SMS Connections Ltd", 100_00, "Park")
        assert [event.to_state for event in queries.life(session, made.id)] == ["submitted"]


def test_drafts_are_the_payee_s_own(oxford: UUID, vendor: Actor) -> None:
    with own(vendor) as session:
        made = service.draft(session, vendor, oxford, form())
        assert [row.id for row in queries.of_payee(session, made.payee_id).items] == [made.id]
    with unit_of_work(Scope.organization(oxford)) as session:
        assert queries.approval_queue(session, oxford, RequestFilter()).items == []
        with pytest.raises(NotFound):
            queries.detail(session, made.id, oxford)
    with own(vendor) as session:
        service.submit(session, vendor, made.id)
    with unit_of_work(Scope.organization(oxford)) as session:
        assert [row.id for row in queries.approval_queue(session, oxford, RequestFilter()).items] == [made.id]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"minor": 0}, "amount"),
        ({"minor": -5}, "amount"),
        ({"minor": 10**15 + 1}, "amount"),
        ({"description": "  "}, "description"),
        ({"description": "x" * 501}, "description"),
        ({"invoice_number": "x" * 101}, "invoice_number"),
        ({"invoice_on": today() + timedelta(days=3)}, "invoice_on"),
        ({"invoice_on": today() - timedelta(days=6 * 366)}, "invoice_on"),
    ],
)
def test_bad_input_names_the_field(oxford: UUID, vendor: Actor, wrong: dict[str, Any], field: str) -> None:
    with own(vendor) as session, pytest.raises(Invalid) as refused:
        service.submit_new(session, vendor, oxford, form(**wrong))
    assert list(refused.value.fields) == [field]


def test_an_invoice_number_is_used_once_by_a_payee(oxford: UUID, vendor: Actor) -> None:
    first = payables.submitted(oxford, vendor, invoice_number="A-1")
    with own(vendor) as session, pytest.raises(Conflict) as refused:
        service.submit_new(session, vendor, oxford, form(5, invoice_number="a-1"))
    assert "invoice_number" in refused.value.fields
    other = people.payee(payees.vendor(oxford, "Other"))
    payables.submitted(oxford, other, invoice_number="A-1")
    second = payables.submitted(oxford, vendor, 5, invoice_number="A-2")
    with own(vendor) as session:
        with pytest.raises(Conflict):
            service.edit(session, vendor, second, form(invoice_number="A-1"))
        with pytest.raises(service.LooksRepeated):  # it would be of the same amount and day as the first
            service.edit(session, vendor, second, form(invoice_number="A-2", description="Changed"))
        service.edit(session, vendor, second, form(invoice_number="A-2", description="Changed"), even_so=True)
        service.cancel(session, vendor, first)
        service.submit_new(session, vendor, oxford, form(7, invoice_number="A-1"))


def test_the_same_amount_and_day_is_asked_about_first(oxford: UUID, vendor: Actor) -> None:
    payables.submitted(oxford, vendor)
    with own(vendor) as session:
        with pytest.raises(service.LooksRepeated) as refused:
            service.submit_new(session, vendor, oxford, form())
        assert refused.value.references == ["REQ-00001"]
        service.submit_new(session, vendor, oxford, form(), even_so=True)
        assert len(queries.of_payee(session, vendor.payee_id or UUID(int=0)).items) == 2


def test_one_form_sent_twice_at_once_is_one_request(oxford: UUID, vendor: Actor) -> None:
    def send(_: int) -> str:
        try:
            with own(vendor) as session:
                return service.submit_new(session, vendor, oxford, form(invoice_number="9")).reference
        except Conflict:
            return "refused"

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(send, range(4)))
    assert answers.count("refused") == 3


def test_editing_until_reviewed_and_the_version_moves(oxford: UUID, vendor: Actor) -> None:
    request_id = payables.submitted(oxford, vendor)
    with own(vendor) as session:
        edited = service.edit(session, vendor, request_id, form(90_00), version=1)
    assert (edited.amount_minor, edited.version, edited.status) == (90_00, 2, RequestStatus.SUBMITTED)
    with own(vendor) as session, pytest.raises(Conflict, match="in the meantime"):
        service.edit(session, vendor, request_id, form(80_00), version=1)
    payables.approve(oxford, request_id)
    with own(vendor) as session:
        with pytest.raises(Conflict):
            service.edit(session, vendor, request_id, form(10**9))
        with pytest.raises(InvalidTransition):
            service.withdraw(session, vendor, request_id)
        with pytest.raises(InvalidTransition):
            service.cancel(session, vendor, request_id)


def test_withdraw_submit_again_and_cancel(oxford: UUID, vendor: Actor) -> None:
    request_id = payables.submitted(oxford, vendor)
    with own(vendor) as session:
        service.withdraw(session, vendor, request_id)
        service.submit(session, vendor, request_id)
        service.cancel(session, vendor, request_id)
        with pytest.raises(InvalidTransition):
            service.submit(session, vendor, request_id)
        states = [event.to_state for event in queries.life(session, request_id)]
    assert states == ["submitted", "draft", "submitted", "cancelled"]


def test_others_cannot_touch_it(oxford: UUID, vendor: Actor) -> None:
    request_id = payables.submitted(oxford, vendor)
    other = people.payee(payees.vendor(oxford, "Other"))
    manager = people.member(oxford, Role.MANAGER)
    for actor, expected in ((other, NotFound), (manager, Forbidden)):
        scope = Scope.payee(actor.payee_id) if actor.payee_id else Scope.organization(oxford)
        with unit_of_work(scope) as session:
            for act in (service.withdraw, service.cancel, service.accept, service.submit):
                with pytest.raises(expected):
                    act(session, actor, request_id)
            with pytest.raises(expected):
                service.edit(session, actor, request_id, form())
    with unit_of_work(Scope.organization(oxford)) as session, pytest.raises(Forbidden):
        service.submit_new(session, operator(), oxford, form())  # nobody writes a bill in a payee's name
    assert status_of(request_id) is RequestStatus.SUBMITTED


def test_a_payee_bills_only_who_engages_it_and_only_while_active(oxford: UUID, vendor: Actor) -> None:
    bath = organizations.organization("bath")
    with own(vendor) as session, pytest.raises(NotFound):
        service.submit_new(session, vendor, bath, form())
    assert vendor.payee_id is not None
    with unit_of_work(Scope.organization(oxford)) as session:
        payees_service.set_status(
            session, operator(), oxford, vendor.payee_id, EngagementStatus.PAUSED, reason="Contract ended"
        )
    with own(vendor) as session, pytest.raises(Conflict, match="not active"):
        service.submit_new(session, vendor, oxford, form())


def test_another_organization_sees_nothing(oxford: UUID, vendor: Actor) -> None:
    request_id = payables.submitted(oxford, vendor)
    bath = organizations.organization("bath")
    with unit_of_work(Scope.organization(bath)) as session:
        assert queries.approval_queue(session, oxford, RequestFilter()).items == []
        assert queries.counts(session, oxford)[RequestStatus.SUBMITTED] == 0
        assert queries.open_ids(session, oxford, RequestFilter(), 10) == []
        assert queries.life(session, request_id) == []
        with pytest.raises(NotFound):
            queries.detail(session, request_id, oxford)
    other = people.payee(payees.vendor(oxford, "Other"))
    with own(other) as session, pytest.raises(NotFound):
        queries.detail(session, request_id)


def stored_file(oxford: UUID, payee_id: UUID | None) -> UUID:
    with unit_of_work(people.PLATFORM) as session:
        made = StoredFile(
            organization_id=oxford, payee_id=payee_id, purpose=FilePurpose.ATTACHMENT, name="bill.pdf",
            content_type="application/pdf", size_bytes=3, content_sha256="0" * 64, storage_key=f"k{payee_id}",
            uploaded_by="Ann",
        )  # fmt: skip
        session.add(made)
        session.flush()
        return made.id


def test_files_of_the_payee_are_attached_and_those_of_others_are_not(oxford: UUID, vendor: Actor) -> None:
    mine, other = stored_file(oxford, vendor.payee_id), stored_file(oxford, payees.vendor(oxford, "Other"))
    request_id = payables.submitted(oxford, vendor, file_ids=[mine])
    with unit_of_work(Scope.organization(oxford)) as session:
        assert [file.id for file in queries.files(session, request_id)] == [mine]
    for file_id in (other, mine):  # not mine; attached already
        with pytest.raises(Invalid) as refused, own(vendor) as session:
            service.submit_new(session, vendor, oxford, form(1, file_ids=[file_id]))
        assert list(refused.value.fields) == ["files"]
