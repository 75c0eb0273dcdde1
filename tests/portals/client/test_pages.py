"""A client's way: an account by link, a time, a test card, moving, cancelling, a review; others find nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from app.charges.client_models import ChargeReturn
from app.consultations import client_queries, offerings
from app.consultations.models import Consultation, Review
from app.consultations.states import ConsultationStatus as S
from app.core.clock import utc_now
from app.db.session import unit_of_work
from app.identity.models import Account
from app.identity.states import Portal
from app.notify import service as notify
from app.notify.models import Mail
from app.organizations.models import Organization
from app.organizations.states import BillingMode, Role
from jobs import clients as money_jobs
from tests.app.consultations import making
from tests.factories import organizations, people
from tests.factories.people import PLATFORM
from tests.portals.conftest import Browser

SignIn = Callable[[Portal, str], Browser]
GOOD, DECLINED = "4242 4242 4242 4242", "4000000000000002"
SOON = (utc_now() + timedelta(days=9)).replace(hour=10, minute=0, second=0, microsecond=0)


def _url(minutes: int = 30) -> str:
    with unit_of_work(PLATFORM) as session:
        offering = next(one.id for one in offerings.sessions(session) if one.duration_minutes == minutes)
    return f"/client/consultations/new?consultant=ada-vance&offering={offering}"


def _book(browser: Browser, starts_at: datetime = SOON) -> UUID:
    answer = browser.post(_url(), {"starts_at": starts_at.isoformat(), "idempotency_key": starts_at.isoformat()})
    assert answer.status_code == 303, answer.text
    return UUID(answer.location.split("/")[3])


def _pay(browser: Browser, made: UUID, number: str = GOOD) -> None:
    assert browser.post(f"/client/consultations/{made}/pay", {"number": number}).status_code == 303
    with unit_of_work(PLATFORM) as session:
        charge = client_queries.charge_of(session, made)
    assert charge is not None
    money_jobs.ask(str(charge.id))
    if number == GOOD:
        money_jobs.confirm(str(made))


def _status(made: UUID) -> S:
    with unit_of_work(PLATFORM) as session:
        return session.get_one(Consultation, made).status


def test_an_account_by_link(client: Browser, advisor: UUID) -> None:
    wanted = _url()
    assert client.get(wanted).location.startswith("/client/signin")
    refused = client.post("/client/signup", {"name": "", "email": "noor", "time_zone": "Europe/Berlin"})
    assert refused.status_code == 422
    given = {"name": "Noor Rahimi", "email": "noor@client.test", "time_zone": "Europe/Berlin", "next": wanted}
    answers = [client.post("/client/signup", given) for _again in range(2)]
    assert {answer.location for answer in answers} == {"/client/signin/sent"}
    with unit_of_work(PLATFORM) as session:
        account = session.scalars(select(Account).where(Account.portal == Portal.CLIENT)).one()
        assert (account.name, account.time_zone) == ("Noor Rahimi", "Europe/Berlin")
        mail = session.scalars(select(Mail).where(Mail.to_address == "noor@client.test").order_by(Mail.id)).first()
        assert mail is not None
        link = notify.full_context(mail)["link"]
    path = link.partition("/client/")[2]
    there = client.post(f"/client/{path.partition('?')[0]}", {"next": wanted})
    assert there.location == wanted
    assert "Ada Vance" in client.get(wanted).text


def test_a_program_that_fills_in_everything_gets_nothing(client: Browser, advisor: UUID) -> None:
    given = {"name": "Bot", "email": "bot@client.test", "time_zone": "UTC", "company_url": "https://x.test"}
    assert client.post("/client/signup", given).status_code == 303
    with unit_of_work(PLATFORM) as session:
        assert session.scalars(select(Account).where(Account.portal == Portal.CLIENT)).all() == []


def test_booking_and_paying(noor: Browser) -> None:
    assert "Ada Vance" in noor.get("/client/consultations/new").text
    assert "Nobody found" in noor.get("/client/consultations/new?q=zzzzzz").text
    assert "$19.00" in noor.get("/client/consultations/new?consultant=ada-vance").text
    assert "10:00" in noor.get(f"{_url()}&week={SOON.date()}").text
    missing = noor.post(_url(), {"idempotency_key": "1"})
    assert missing.status_code == 422
    assert "Choose one of the times" in missing.text
    late = noor.post(_url(), {"starts_at": SOON.replace(hour=20).isoformat(), "idempotency_key": "2"})
    assert late.status_code == 409
    made = _book(noor)
    assert _status(made) is S.PENDING
    pay = f"/client/consultations/{made}/pay"
    assert GOOD in noor.get(pay).text
    refused = noor.post(pay, {"number": "1234"})
    assert refused.status_code == 422
    assert "none of the test cards" in refused.text
    _pay(noor, made, DECLINED)
    assert "declined" in noor.get(pay).text
    _pay(noor, made)
    assert _status(made) is S.BOOKED
    shown = noor.get(f"/client/consultations/{made}").text
    assert "30 minutes with Ada Vance" in shown
    assert "Free until" in shown
    assert noor.get(pay).status_code == 303
    assert "Ada Vance" in noor.get("/client/consultations").text
    assert b"SUMMARY:30 minutes with Ada Vance" in noor.get(f"/client/consultations/{made}/calendar.ics").data


def test_twice_sent_is_booked_once(noor: Browser) -> None:
    assert _book(noor) == _book(noor)


def test_moving_and_cancelling(noor: Browser) -> None:
    made = _book(noor)
    _pay(noor, made)
    url = f"/client/consultations/{made}"
    assert "10:30" in noor.get(f"{url}/move?week={SOON.date()}").text
    later = SOON + timedelta(minutes=30)
    assert noor.post(f"{url}/move", {"starts_at": later.isoformat()}).status_code == 303
    assert "You cancel more than 24 hours before" in noor.get(f"{url}/cancellation").text
    assert noor.post(f"{url}/cancellation", {"reason": "x" * 501, "idempotency_key": "1"}).status_code == 422
    assert noor.post(f"{url}/cancellation", {"reason": "Ill", "idempotency_key": "2"}).status_code == 303
    assert _status(made) is S.CANCELLED
    assert "on their way back" in noor.get(url).text
    assert "Ada Vance" in noor.get("/client/consultations?view=cancelled").text


def test_reviewing(noor: Browser, advisor: UUID) -> None:
    with unit_of_work(PLATFORM) as session:
        account = session.scalars(select(Account.id).where(Account.email == "noor@client.test")).one()
    who = making.Actor("Noor", "client", account)
    held = making.consultation(advisor, who, S.COMPLETED, SOON - timedelta(days=20))
    booked = making.consultation(advisor, who, S.BOOKED, SOON)
    url = f"/client/consultations/{held}/review"
    assert noor.get(f"/client/consultations/{booked}/review").status_code == 409
    assert noor.get(url).status_code == 200
    refused = noor.post(url, {"text": "Clear", "expertise": ""})
    assert refused.status_code == 422
    assert "Clear" in refused.text
    assert noor.post(url, {"rating": "5", "text": "Clear", "expertise": "4"}).status_code == 303
    assert noor.get(url).status_code == 409
    with unit_of_work(PLATFORM) as session:
        review = session.scalars(select(Review)).one()
        assert (review.rating, review.expertise, review.communication) == (5, 4, None)
    assert "Clear" in noor.get(f"/client/consultations/{held}").text


def test_an_organization_is_named(noor: Browser) -> None:
    buyer = organizations.organization("buyers")
    people.member(buyer, Role.LEARNER, "noor@client.test")
    shown = noor.get(f"{_url()}&week={SOON.date()}").text
    assert "Buyers, paid by my card" in shown
    assert "Buyers pays" not in shown
    given = {"starts_at": SOON.isoformat(), "idempotency_key": "1", "buyer": f"tag:{buyer}"}
    made = UUID(noor.post(_url(), given).location.split("/")[3])
    with unit_of_work(PLATFORM) as session:
        assert session.get_one(Consultation, made).buyer_organization_id == buyer


def test_funds_are_offered_where_the_organization_pays_so(noor: Browser) -> None:
    buyer = organizations.organization("buyers", billing_mode=BillingMode.INVOICED_MONTHLY)
    people.member(buyer, Role.MANAGER, "noor@client.test")
    at = f"{_url()}&week={SOON.date()}"
    assert "Buyers pays" in noor.get(at).text
    with unit_of_work(PLATFORM) as session:
        session.get_one(Organization, buyer).billing_mode = BillingMode.TAG_ONLY
    shown = noor.get(at).text
    assert "Buyers pays" not in shown and "Buyers, paid by my card" in shown
    given = {"starts_at": SOON.isoformat(), "idempotency_key": "1", "buyer": f"invoice:{buyer}"}
    assert noor.post(_url(), given).status_code == 422


def test_funds_that_do_not_cover_it_are_told_on_the_page(noor: Browser) -> None:
    buyer = organizations.organization("buyers", billing_mode=BillingMode.INVOICED_MONTHLY)
    people.member(buyer, Role.MANAGER, "noor@client.test")
    organizations.credit(buyer, 19_00, "USD")
    given = {"starts_at": SOON.isoformat(), "idempotency_key": "1", "buyer": f"invoice:{buyer}"}
    pay = noor.post(_url(), given).location
    assert "pays from its funds" in noor.get(pay).text
    organizations.credit(buyer, 0, "USD")
    refused = noor.post(pay, {"idempotency_key": "2"})
    assert refused.status_code == 409
    assert "do not cover this" in refused.text and "book by your own card" in refused.text
    assert _status(UUID(pay.split("/")[3])) is S.PENDING


def test_what_an_organization_paid_goes_back_to_it(noor: Browser) -> None:
    buyer = organizations.organization("buyers", currency="USD", billing_mode=BillingMode.INVOICED_MONTHLY)
    people.member(buyer, Role.MANAGER, "noor@client.test")
    organizations.credit(buyer, 100_00, "USD")
    given = {"starts_at": SOON.isoformat(), "idempotency_key": "1", "buyer": f"invoice:{buyer}"}
    pay = noor.post(_url(), given).location
    assert noor.post(pay, {"idempotency_key": "2"}).status_code == 303
    at = pay.removesuffix("/pay")
    money_jobs.confirm(at.split("/")[3])
    assert noor.post(f"{at}/cancellation", {"idempotency_key": "3"}).status_code == 303
    with unit_of_work(PLATFORM) as session:
        (return_id,) = session.scalars(select(ChargeReturn.id)).all()
        mail = session.scalars(select(Mail).where(Mail.template == "consultation_cancelled")).one()
    money_jobs.give_back(str(return_id))
    assert "$19.00 went back to your organization" in noor.get(at).text
    assert "has its money again" in mail.context["what"] and mail.context["refund"] is None


def test_who_comes_late_can_still_join(noor: Browser, advisor: UUID, sign_in: SignIn) -> None:
    made = _book(noor)
    _pay(noor, made)
    ada = sign_in(Portal.CONSULTANT, "ada@consultant.test")
    urls = [(noor, f"/client/consultations/{made}"), (ada, f"/consultant/consultations/{made}")]

    def joinable() -> list[bool]:
        return ["Open the video call" in browser.get(url).text for browser, url in urls]

    def begins(minutes: int) -> None:
        """So many minutes from now."""
        with unit_of_work(PLATFORM) as session:
            of = session.get_one(Consultation, made)
            of.starts_at = utc_now() + timedelta(minutes=minutes)
            of.ends_at = of.starts_at + timedelta(minutes=30)

    assert joinable() == [True, True]
    begins(-10)
    assert joinable() == [True, True]
    begins(-31)
    assert joinable() == [False, False]
    begins(2 * 24 * 60)
    assert noor.post(f"{urls[0][1]}/cancellation", {"idempotency_key": "1"}).status_code == 303
    assert joinable() == [False, False]


def test_profile(noor: Browser) -> None:
    given = {"name": "Noor Rahimi", "locale": "en_GB", "time_zone": "Europe/Berlin"}
    assert noor.post("/client/settings/profile", given | {"name": ""}).status_code == 422
    assert noor.post("/client/settings/profile", given).status_code == 303
    assert "Noor Rahimi" in noor.get("/client/settings/profile").text
    assert noor.get("/client/").location == "/client/consultations"


def test_somebody_else_finds_nothing(noor: Browser, sign_in: SignIn) -> None:
    made = _book(noor)
    people.account(Portal.CLIENT, "sam@client.test")
    sam = sign_in(Portal.CLIENT, "sam@client.test")
    for path in ("", "/pay", "/move", "/cancellation", "/calendar.ics", "/review"):
        assert sam.get(f"/client/consultations/{made}{path}").status_code == 404, path
    assert sam.post(f"/client/consultations/{made}/pay", {"number": GOOD}).status_code == 404
    assert _status(made) is S.PENDING
