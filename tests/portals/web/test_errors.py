"""What people and programs are told when something goes wrong: a sentence, never a traceback."""

from __future__ import annotations

import logging

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import RequestEntityTooLarge, TooManyRequests

from app.core.errors import Invalid
from tests.portals.web.conftest import PARTIAL
from tests.portals.web.sample import make_app


def test_nothing_there(client: FlaskClient) -> None:
    answer = client.get("/nowhere")
    assert answer.status_code == 404 and "There is nothing here." in answer.text
    assert "<!doctype html>" in answer.text
    toast = client.get("/nowhere", headers=PARTIAL)
    assert toast.status_code == 404 and "toast--bad" in toast.text


def test_the_wrong_method_says_what_is_allowed(client: FlaskClient) -> None:
    answer = client.delete("/dev/components/toast")
    assert answer.status_code == 405 and "POST" in answer.headers["Allow"]


def test_programs_get_problem_json(app: Flask) -> None:
    def refuse() -> str:
        raise Invalid("Fix the amount.", fields={"amount": "It is below zero."})

    app.add_url_rule("/api/bills", view_func=refuse)
    client = app.test_client()
    answer = client.get("/api/bills?token=secret")
    assert answer.status_code == 422 and answer.content_type == "application/problem+json"
    assert answer.get_json() == {
        "type": "about:blank",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "Fix the amount.",
        "instance": "/api/bills",
        "errors": {"amount": "It is below zero."},
    }
    assert client.get("/api/nowhere").get_json()["status"] == 404


@pytest.mark.parametrize("path", ["/fault", "/api/fault"])
def test_our_own_faults_show_a_reference_and_nothing_else(
    app: Flask, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> str:
        raise RuntimeError("the password is hunter2")

    app.add_url_rule(path, view_func=fail)
    with caplog.at_level(logging.INFO):
        answer = app.test_client().get(path, headers={"X-Request-Id": "reference-1234"})
    assert answer.status_code == 500
    assert "reference-1234" in answer.text
    assert "hunter2" not in answer.text and "Traceback" not in answer.text
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == [
        "unhandled RuntimeError"
    ]


def test_htmx_gets_an_empty_500_and_the_reference_in_a_header(app: Flask) -> None:
    answer = app.test_client().post("/dev/components/fault", headers={**PARTIAL, "X-Request-Id": "reference-1234"})
    assert (answer.status_code, answer.text, answer.headers["X-Request-Id"]) == (500, "", "reference-1234")


def test_limits_and_large_files_are_explained(app: Flask) -> None:
    def too_many() -> str:
        raise TooManyRequests

    def too_large() -> str:
        raise RequestEntityTooLarge

    app.add_url_rule("/many", view_func=too_many)
    app.add_url_rule("/large", view_func=too_large)
    client = app.test_client()
    assert client.get("/many").headers["Retry-After"] == "60"
    assert "Wait a minute" in client.get("/many").text
    assert "The file is too large." in client.get("/large").text


def test_an_upload_beyond_the_limit_is_refused() -> None:
    client = make_app(MAX_CONTENT_LENGTH=1000).test_client()
    answer = client.post("/dev/components/form", data={"note": "x" * 5000})
    assert answer.status_code == 413 and "too large" in answer.text


def test_a_form_without_its_token_changes_nothing() -> None:
    client = make_app(WTF_CSRF_ENABLED=True).test_client()
    whole = client.post("/dev/components/toast")
    assert whole.status_code == 400 and "nothing was changed" in whole.text
    part = client.post("/dev/components/toast", headers=PARTIAL)
    assert part.status_code == 400 and "toast--bad" in part.text


def test_the_token_of_the_page_is_accepted_as_field_and_as_header() -> None:
    client = make_app(WTF_CSRF_ENABLED=True).test_client()
    token = client.get("/dev/components/").text.split('{"X-CSRFToken":"')[1].split('"')[0]
    assert client.post("/dev/components/toast", data={"csrf_token": token}).status_code == 303
    assert client.post("/dev/components/toast", headers={**PARTIAL, "X-CSRFToken": token}).status_code == 200
    assert make_app(WTF_CSRF_ENABLED=True).test_client().post("/theme", data={"csrf_token": token}).status_code == 400
