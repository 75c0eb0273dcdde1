"""The public directory: signed out, without script, and nothing but what is published."""

from __future__ import annotations

import io
from typing import Any
from uuid import UUID

import pytest
from PIL import Image

from app.consultations import profiles
from app.consultations.states import Practice
from app.db.session import unit_of_work
from app.files.pictures import square
from app.files.storage import storage
from tests.factories import consultations, people
from tests.factories.people import PLATFORM
from tests.portals.conftest import Browser


def with_picture(payee_id: UUID) -> None:
    out = io.BytesIO()
    Image.new("RGB", (80, 80), "teal").save(out, "PNG")
    inspected, content = square(out.getvalue(), "me.png")
    key = storage().put(content)
    with unit_of_work(PLATFORM) as session:
        profiles.set_avatar(session, consultations.signed(payee_id), payee_id, inspected, key)


def review(superuser: Any, payee_id: UUID, text: str, hidden: bool = False) -> None:
    superuser.execute("SET session_replication_role = replica")
    superuser.execute(
        """INSERT INTO reviews (consultation_id, payee_id, client_first_name, rating, text, hidden_at, hidden_reason)
        VALUES (uuidv7(), %s, 'Sam', 4, %s, %s, %s)""",
        [payee_id, text, "2026-11-01" if hidden else None, "Rude." if hidden else None],
    )
    superuser.execute("SET session_replication_role = DEFAULT")


def test_found_by_what_they_know(client: Browser) -> None:
    consultations.consultant(specialties=["Pricing"], headline="Prices that hold")
    consultations.consultant(name="Inês Duarte", specialties=["Tax law"], languages=["pt"])
    page = client.get("/advisors").text
    assert "Priya Raghavan" in page and "Inês Duarte" in page and "Portuguese" in page
    for query in ("q=duarte", "specialty=tax+law", "language=pt", "q=%00tax"):
        found = client.get(f"/advisors?{query}").text
        assert 'id="advisor-ines-duarte"' in found and 'id="advisor-priya-raghavan"' not in found, query
    assert "Nobody matches" in client.get("/advisors?rating=5&available=1").text
    assert 'id="advisor-ines-duarte"' in client.get("/advisors?rating=many&practice=wizard&language=%2A").text
    part = client.htmx("GET", "/advisors?q=duarte").text
    assert part.lstrip().startswith("<section") and "<html" not in part


def test_pages(client: Browser) -> None:
    for n in range(3):
        consultations.consultant(name=f"Person {n}", email=f"{n}@consultant.test", account=False)
    first = client.get("/advisors?limit=2").text
    assert first.count('<li id="advisor-') == 2
    link = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    assert client.get(link).text.count('<li id="advisor-') == 1
    assert client.get("/advisors?cursor=nonsense").status_code == 422


def test_a_profile_shows_what_is_published_and_reviews_that_stand(client: Browser, superuser: Any) -> None:
    priya = consultations.consultant(
        bio="Ten years.\n<script>alert(1)</script>", portfolio_urls=["https://priya.test/work"], country="IN"
    )
    superuser.execute(
        """INSERT INTO offerings
            (organization_id, payee_id, kind, title, duration_minutes, price_minor, currency, active)
        SELECT organization_id, payee_id, 'consultation', title, 45, 120000, 'INR', active FROM consultant_profiles,
        (VALUES ('Price review', true), ('Withdrawn', false)) AS o (title, active)"""
    )
    review(superuser, priya, "Clear and kind.")
    review(superuser, priya, "Foul words.", hidden=True)
    superuser.execute("UPDATE consultant_profiles SET rating_count = 3, rating_sum = 13")
    page = client.get("/advisors/priya-raghavan").text
    for words in ("Ten years.", "Price review", "₹1,200.00", "Clear and kind.", "India", "4.3", "3 reviews"):
        assert words in page, words
    assert "<script>alert" not in page and "Withdrawn" not in page and "Foul words." not in page
    assert "priya@consultant.test" not in page
    assert client.get("/advisors/nobody").status_code == 404


def test_an_advisor_offers_the_platforms_lengths(client: Browser, superuser: Any) -> None:
    house = consultations.house()
    consultations.consultant(practice=Practice.ADVISOR)
    consultations.consultant(name="Inês Duarte")
    superuser.execute(
        """INSERT INTO offerings (organization_id, kind, title, duration_minutes, price_minor, currency)
        VALUES (%s, 'session', '30 minute session', 30, 1900, 'USD') ON CONFLICT DO NOTHING""",
        [house],
    )
    assert "$19.00" in client.get("/advisors/priya-raghavan").text
    assert "$19.00" not in client.get("/advisors/ines-duarte").text


def test_pictures_and_who_is_suspended(client: Browser) -> None:
    priya = consultations.consultant()
    assert client.get("/advisors/priya-raghavan/picture").status_code == 404
    with_picture(priya)
    assert "/advisors/priya-raghavan/picture?v=" in client.get("/advisors").text
    shown = client.get("/advisors/priya-raghavan/picture")
    assert (shown.status_code, shown.content_type) == (200, "image/jpeg")
    assert "public" in shown.headers["Cache-Control"] and shown.headers["X-Content-Type-Options"] == "nosniff"
    with unit_of_work(PLATFORM) as session:
        profiles.suspend(session, people.admin(), priya, "Under review.")
    for path in ("/advisors/priya-raghavan", "/advisors/priya-raghavan/picture"):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("/doctor", "/consultant/"), ("/doctor/", "/consultant/"),
        ("/advisor/payments?status=paid", "/consultant/payments?status=paid"),
        ("/doctor/a%20b/c", "/consultant/a%20b/c"), ("/advisor//evil.test", "/consultant/evil.test"),
    ],
)  # fmt: skip
def test_old_addresses_lead_to_the_consultant_portal(client: Browser, old: str, new: str) -> None:
    answer = client.get(old)
    while answer.location and not answer.location.startswith("/consultant"):
        answer = client.get(answer.location)
    assert (answer.status_code, answer.location) == (308, new)
