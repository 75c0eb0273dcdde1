"""Pages, fragments, changes and refusals, with htmx and without."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core.errors import Conflict, Forbidden, Gone, Locked, NotFound
from portals.web import htmx
from portals.web.htmx import Toast, done, fragment, go, page, refused, removed, signed_out
from tests.portals.web.conftest import PARTIAL

URL = "/dev/components/"


def test_the_same_view_sends_the_page_or_its_fragment(client: FlaskClient) -> None:
    whole, part = client.get(URL), client.get(URL, headers=PARTIAL)
    assert "<!doctype html>" in whole.text and 'id="queue"' in whole.text
    assert "<!doctype" not in part.text and part.text.lstrip().startswith('<section class="card " id="queue"')
    for answer in (whole, part):
        assert {"HX-Request", "HX-Request-Type"} <= {name.strip() for name in answer.headers["Vary"].split(",")}
        assert answer.headers["Cache-Control"] == "no-store"


def test_going_back_gets_the_whole_page(client: FlaskClient) -> None:
    assert "<!doctype html>" in client.get(URL, headers={**PARTIAL, "HX-History-Restore-Request": "true"}).text
    assert "<!doctype html>" in client.get(URL, headers={"HX-Request": "true", "HX-Request-Type": "full"}).text


def test_a_faulty_form_is_a_422_of_the_same_form(client: FlaskClient) -> None:
    answer = client.post(URL + "withdrawal", data={"amount": "4000", "speed": "standard"}, headers=PARTIAL)
    assert answer.status_code == 422
    assert answer.text.lstrip().startswith('<form id="withdraw-form"')
    assert 'aria-invalid="true"' in answer.text and "data-focus" in answer.text
    plain = client.post(URL + "withdrawal", data={"amount": "4000", "speed": "standard"})
    assert plain.status_code == 422 and "<!doctype html>" in plain.text


def test_a_change_names_every_piece_it_touched(client: FlaskClient) -> None:
    answer = client.post(URL + "bills/approval", data={"id": ["b2", "b3"]}, headers=PARTIAL)
    assert answer.status_code == 200 and answer.headers["HX-Reswap"] == "none"
    assert re.findall(r'<hx-partial hx-target="([^"]+)" hx-swap="outerHTML">', answer.text) == ["#b2", "#b3"]
    assert '<div hx-swap-oob="beforeend:#toasts">' in answer.text and "2 approved" in answer.text


def test_without_script_a_change_ends_on_another_page_with_the_notice(client: FlaskClient) -> None:
    answer = client.post(URL + "bills/approval", data={"id": ["b2", "b3"]})
    assert answer.status_code == 303 and answer.location == URL
    page_after = client.get(URL).text
    assert page_after.count("2 approved") == 2, "once as a toast, once for readers without script"
    assert "2 approved" not in client.get(URL).text


def test_a_change_without_fragments_leads_on(app: Flask) -> None:
    with app.test_request_context("/", headers=PARTIAL):
        answer = done(back="/next", toast=("Saved", "All of it."))
        assert (answer.status_code, answer.headers["HX-Redirect"]) == (200, "/next")
    with app.test_request_context("/"):
        assert go("/next").status_code == 303


def test_pieces_can_be_added_and_removed(app: Flask) -> None:
    with app.test_request_context("/", headers=PARTIAL):
        answer = done(
            removed("#b2"), fragment("dev/components/_announce.html", target="#rows", swap="beforeend"), back="/"
        )
    html = answer.get_data(as_text=True)
    assert '<hx-partial hx-target="#b2" hx-swap="delete"></hx-partial>' in html
    assert '<hx-partial hx-target="#rows" hx-swap="beforeend"><p id="announced"' in html


def test_a_piece_without_an_id_is_a_mistake_of_ours(app: Flask) -> None:
    with app.test_request_context("/", headers=PARTIAL), pytest.raises(ValueError, match="needs an id"):
        done("layouts/_messages.html", back="/")


def test_words_of_people_are_escaped(app: Flask) -> None:
    with app.test_request_context("/", headers=PARTIAL):
        answer = done("dev/components/_announce.html", back="/", toast=Toast("<script>x</script>", "<b>"))
    html = answer.get_data(as_text=True)
    assert "<script>" not in html and "&lt;script&gt;" in html


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (Forbidden("Not yours."), 403),
        (NotFound("Gone away."), 404),
        (Conflict("Approved already."), 409),
        (Gone("Used link."), 410),
        (Locked("Wait 15 minutes."), 423),
    ],
)
def test_refusals_are_toasts_or_pages(app: Flask, refusal: Exception, status: int) -> None:
    def refuse() -> str:
        raise refusal

    app.add_url_rule("/refuse", view_func=refuse, methods=["GET", "POST"])
    client = app.test_client()
    toast = client.post("/refuse", headers=PARTIAL)
    assert toast.status_code == status and toast.headers["HX-Reswap"] == "none"
    assert "toast--bad" in toast.text and str(refusal) in toast.text and "<!doctype" not in toast.text
    whole = client.post("/refuse", headers={"Referer": "http://localhost/from?x=1"})
    assert whole.status_code == status and str(refusal) in whole.text
    assert 'href="/from?x=1"' in whole.text
    elsewhere = client.post("/refuse", headers={"Referer": "http://evil.example/from"})
    assert "evil" not in elsewhere.text


def test_a_refusal_can_bring_the_present_state(app: Flask) -> None:
    with app.test_request_context("/", headers=PARTIAL):
        answer = refused(Conflict("Jonah approved this first."), "dev/components/_announce.html")
    assert answer.status_code == 409
    html = answer.get_data(as_text=True)
    assert 'hx-target="#announced"' in html and "Jonah approved this first." in html


def test_signed_out(app: Flask) -> None:
    with app.test_request_context("/", headers=PARTIAL):
        answer = signed_out("/vendor/sign-in")
        assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/vendor/sign-in")
    with app.test_request_context("/"):
        assert signed_out("/vendor/sign-in").location == "/vendor/sign-in"


def test_a_status_can_be_given(app: Flask) -> None:
    with app.test_request_context("/"):
        assert page("dev/components/_announce.html", status=202).status_code == 202
        assert htmx.is_htmx() is False


def test_a_page_without_fragments_is_gone_to_not_put_into_another(client: FlaskClient) -> None:
    answer = client.get(URL + "board?portal=vendor", headers=PARTIAL)
    assert answer.headers["HX-Redirect"] == URL + "board?portal=vendor" and answer.text == ""
