"""Static files, headers and the theme."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient

from portals.web.assets import Assets, asset_url
from tests.stores import environment


def test_hashed_files_are_kept_for_a_year(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        url = asset_url("app.js")
    assert re.fullmatch(r"/static/app\.[0-9a-f]{12}\.js", url)
    answer = client.get(url)
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.content_type == "text/javascript; charset=utf-8"
    assert client.get(url, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_other_names_of_a_file_are_asked_for_each_time(client: FlaskClient) -> None:
    for name in ("app.js", "app.000000000000.js"):
        assert client.get(f"/static/{name}").headers["Cache-Control"] == "public, no-cache"
    assert client.get("/static/nothing.js").status_code == 404


@pytest.mark.parametrize("name", ["../pyproject.toml", "..%2fpyproject.toml", "%2e%2e/pyproject.toml", "."])
def test_nothing_outside_the_folder_is_sent(client: FlaskClient, name: str) -> None:
    assert client.get(f"/static/{name}").status_code in (404, 308)


def test_text_is_sent_compressed_to_who_can_read_it(client: FlaskClient) -> None:
    plain = client.get("/static/quittance.css")
    zipped = client.get("/static/quittance.css", headers={"Accept-Encoding": "gzip, br"})
    assert zipped.headers["Content-Encoding"] == "gzip" and "Accept-Encoding" in zipped.headers["Vary"]
    assert gzip.decompress(zipped.data) == plain.data
    assert (
        "Content-Encoding" not in client.get("/static/inter-latin.woff2", headers={"Accept-Encoding": "gzip"}).headers
    )


def test_the_style_sheet_names_its_font_by_hash_so_that_the_preload_is_used(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        font = asset_url("inter-latin.woff2")
    assert f'url("{font.removeprefix("/static/")}")' in client.get("/static/quittance.css").text
    assert f'rel="preload" href="{font}"' in client.get("/dev/components/").text


def test_a_changed_file_gets_a_new_name_while_developing(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("1")
    watched, fixed = Assets(tmp_path, watch=True), Assets(tmp_path)
    before = [assets.find("a.js") for assets in (watched, fixed)]
    (tmp_path / "a.js").write_text("22")
    after = [assets.find("a.js") for assets in (watched, fixed)]
    assert before[0] is not None and after[0] is not None and before[0].hashed_name != after[0].hashed_name
    assert before[1] is after[1]


def test_an_unknown_asset_is_a_mistake_of_ours(app: Flask) -> None:
    with app.app_context(), pytest.raises(LookupError):
        asset_url("nothing.css")


def test_every_answer_is_protected(client: FlaskClient) -> None:
    for path in ("/dev/components/", "/nowhere", "/static/app.js"):
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert "Strict-Transport-Security" not in headers
    assert client.get("/dev/components/").headers["Cache-Control"] == "no-store"


def test_https_sites_say_so_for_a_year(client: FlaskClient) -> None:
    with environment(BASE_URL="https://pay.example"):
        assert "max-age=31536000" in client.get("/nowhere").headers["Strict-Transport-Security"]


def test_a_pdf_may_be_shown_by_the_browsers_viewer_but_runs_nothing(app: Flask) -> None:
    app.add_url_rule("/advice.pdf", view_func=lambda: Response(b"%PDF-1.7", content_type="application/pdf"))
    policy = app.test_client().get("/advice.pdf").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src" not in policy


def test_the_theme_is_a_cookie_and_leads_back_to_where_the_reader_was(client: FlaskClient) -> None:
    came_from = {"Referer": "http://localhost/dev/components/?view=done"}
    answer = client.post("/theme", data={"theme": "dark"}, headers=came_from)
    assert answer.status_code == 303 and answer.location == "/dev/components/?view=done"
    assert 'data-theme="dark"' in client.get("/dev/components/").text
    assert client.post("/theme", data={"theme": "<script>"}).status_code == 422
    for other in ("http://evil.example/x", "http://localhost//evil.example", ""):
        assert client.post("/theme", data={"theme": "light"}, headers={"Referer": other}).location == "/"


def test_the_sandbox_is_named_on_every_page_and_the_living_page_is_only_there(client: FlaskClient) -> None:
    for path in ("", "sign-in", "board"):
        assert "Sandbox" in client.get(f"/dev/components/{path}").text
    with environment(QUITTANCE_MODE="live"):
        answer = client.get("/dev/components/")
        assert answer.status_code == 404 and "Sandbox" not in answer.text
