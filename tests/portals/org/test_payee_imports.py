"""Payees from a file: every step works without script, nothing is lost, nobody is written to before the last."""

from __future__ import annotations

import io
from typing import Any

from app.organizations.states import Role
from jobs.runtime import run_due
from tests.factories import payees
from tests.portals.conftest import Browser
from tests.portals.org.conftest import House

BASE = "/org/oxford/payee-imports"
GOOD = b"email,name,reference,tags\na@b.test,Amara,C-1,vip\nt@m.test,Theo,,\n"


def sent(house: House, body: bytes, name: str = "people.csv", **fields: str) -> Any:
    form = {"kind": "creator", "what": "invite", "currency": "GBP", **fields}
    return house.browser.post(f"{BASE}/new", {"file": (io.BytesIO(body), name), **form})


def test_uploaded_looked_at_and_invited(house: House, superuser: Any) -> None:
    start = house.browser.get("/org/oxford/creators").text
    assert f"{BASE}/new?kind=creator" in start
    upload = sent(house, GOOD)
    assert upload.status_code == 303 and upload.location.endswith("/preview")  # every heading is understood
    preview = house.browser.get(upload.location).text
    assert "Invite 2 payees" in preview and "All rows are good" in preview and "vip" in preview
    assert superuser.execute("SELECT count(*) FROM payees").fetchone() == (0,)
    home = upload.location.removesuffix("/preview")
    assert house.browser.post(f"{home}/confirmation").location == home
    running = house.browser.get(home).text
    assert "every 2s" in running and "Waiting" in running
    assert house.browser.post(f"{home}/confirmation").location == home  # a second click changes nothing
    run_due()
    done = house.browser.get(home).text
    assert "every 2s" not in done and "Amara" in done and "Invited" in done
    assert house.browser.htmx("GET", f"{home}?progress=1").headers["HX-Redirect"] == home
    only = house.browser.htmx("GET", f"{home}?outcome=refused").text
    assert "No row has this outcome" in only
    assert "people.csv" in house.browser.get(BASE).text
    assert house.browser.get(f"{home}/preview").location == home
    assert "Amara" in house.browser.get("/org/oxford/creators?tag=vip").text
    assert superuser.execute("SELECT count(*) FROM mails WHERE template = 'invitation'").fetchone() == (2,)


def test_columns_are_asked_for_where_headings_differ(house: House) -> None:
    upload = sent(house, "Login;Wer;Ort\na@b.test;Zoë;Bonn\n".encode("windows-1252"), kind="vendor", what="add")
    assert upload.location.endswith("/columns")
    form = house.browser.get(upload.location).text
    assert "Windows-1252" in form and "Bonn" in form
    fields = {"email": "", "name": "", "reference": "", "currency": "", "terms": "", "commission": "", "tags": ""}
    none = house.browser.post(upload.location, fields)
    assert none.status_code == 422 and "a column with names or e-mail addresses" in none.text
    twice = house.browser.post(upload.location, {**fields, "email": "Login", "name": "Login"})
    assert twice.status_code == 422 and "chosen already" in twice.text and "<option selected" in twice.text
    unread = house.browser.post(upload.location, {**fields, "email": "Login", "delimiter": "pipe"})
    assert unread.status_code == 422
    chosen = house.browser.post(upload.location, {**fields, "email": "Login", "name": "Wer"})
    assert chosen.location.endswith("/preview")
    preview = house.browser.get(chosen.location).text
    assert "Zoë" in preview and "Add 1 payee" in preview and "Nobody is written to." in preview


def test_faulty_rows_are_left_out_only_when_asked(house: House, superuser: Any) -> None:
    payees.vendor(house.organization_id, "Acorn", reference="A-1")
    body = GOOD + b"nobody,X,,\nnew@x.test,Y,A-1,\na@b.test,Again,,\n"
    upload = sent(house, body)
    preview = house.browser.get(upload.location).text
    assert "3 rows cannot be taken" in preview and "belongs to Acorn" in preview and "the same as in line 2" in preview
    assert ">reference</td>" in preview and ">Reference</td>" not in preview  # as the file calls the column
    home = upload.location.removesuffix("/preview")
    mend = house.browser.get(f"{home}/refused.csv")
    assert mend.text.count("\r\n") == 4 and "Problem" in mend.text
    refused = house.browser.post(f"{home}/confirmation")
    assert refused.status_code == 422 and "mend the file" in refused.text
    assert house.browser.post(f"{home}/confirmation", {"skip_bad": "y"}).location == home
    run_due()
    page = house.browser.get(f"{home}?outcome=refused").text
    assert "nobody" not in house.browser.get(f"{home}?outcome=invited").text and "belongs to Acorn" in page
    assert house.browser.get(f"{home}/refused.csv").text == mend.text
    assert superuser.execute("SELECT count(*) FROM payees").fetchone() == (3,)


def test_bad_uploads_keep_what_was_chosen(house: House) -> None:
    for body, said in ((b"", "empty"), (b"\x89PNG\r\n\x1a\n", "picture"), (b"email\n" + b"\x00", "zero bytes")):
        refused = sent(house, body, kind="contractor", what="add")
        assert refused.status_code == 422 and said in refused.text
        assert 'value="contractor"' in refused.text and "checked" in refused.text
    assert sent(house, GOOD, kind="organization").status_code == 422
    assert house.browser.post(f"{BASE}/new", {"kind": "creator", "what": "add", "currency": "GBP"}).status_code == 422


def test_an_upload_can_be_given_up(house: House, superuser: Any) -> None:
    upload = sent(house, GOOD)
    home = upload.location.removesuffix("/preview")
    assert house.browser.post(f"{home}/removal").location == BASE
    assert house.browser.get(home).status_code == 404
    assert superuser.execute("SELECT count(*) FROM stored_files").fetchone() == (0,)


def test_who_is_refused(house: House, strangers: list[Browser]) -> None:
    home = sent(house, GOOD).location.removesuffix("/preview")
    support = house.member(Role.SUPPORT)
    for path in (BASE, f"{BASE}/new", home, f"{home}/preview", f"{home}/columns", f"{home}/refused.csv"):
        assert support.get(path).status_code == 403, path
        assert [one.get(path).status_code for one in strangers] == [404, 404, 404], path
    for path in (f"{home}/confirmation", f"{home}/removal"):
        assert support.post(path).status_code == 403, path
        assert [one.post(path).status_code for one in strangers] == [404, 404, 404], path


def test_the_commission_of_a_creator(house: House) -> None:
    form = {"name": "Amara", "kind": "creator", "currency": "GBP", "terms_days": "0", "commission": "12,5"}
    made = house.browser.post("/org/oxford/payees/new", form)
    assert made.status_code == 303 and "12.5%" in house.browser.get(made.location).text
    edit = f"{made.location}/edit"
    page = house.browser.get(edit).text
    assert "12.5%" in page and 'name="commission"' not in page and f'href="{made.location}/commission"' in page
    assert house.browser.post(edit, {**form, "commission": "15"}).status_code == 303
    assert "12.5%" in house.browser.get(made.location).text
    for wrong in ("120", "lots"):
        refused = house.browser.post("/org/oxford/payees/new", {**form, "commission": wrong})
        assert refused.status_code == 422 and "from 0 to 100" in refused.text and f'value="{wrong}"' in refused.text
    vendor = house.browser.post("/org/oxford/payees/new", {**form, "kind": "vendor", "name": "Lumen"})
    assert vendor.status_code == 422 and "Only creators earn commission." in vendor.text
