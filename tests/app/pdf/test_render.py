from __future__ import annotations

import builtins
import hashlib
import io
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from app.core.money import Money
from app.pdf import render
from app.pdf.documents import (
    CheckDocument,
    Party,
    RemittanceDocument,
    RemittanceLine,
    StatementDocument,
    StatementLine,
)

ROOT = Path(__file__).resolve().parents[3]
PAYER = Party("Oxford City Council", ("St Aldate’s Chambers", "Oxford OX1 1DS"))
PAYEE = Party("Łódź & Söhne <Tree> Surgeons", ("4 Mill Lane", "accounts@ashby.example"))


def _gbp(minor: int) -> Money:
    return Money(minor, "GBP")


def _remittance(**changes: Any) -> RemittanceDocument:
    made = RemittanceDocument(
        number="PO-000123",
        payer=PAYER,
        payee=PAYEE,
        on=date(2017, 9, 25),
        status="Paid",
        method="Bank transfer ••9911",
        total=_gbp(113_395),
        lines=(
            RemittanceLine("Tree works", _gbp(123_445), "11000001", "INV-7", date(2017, 9, 1)),
            RemittanceLine("Credit note ₹ € ğ", _gbp(-10_050), "990001"),
        ),
        statement_reference="QUITTANCE 123",
        note="Questions? accounts@oxford.test",
        locale="en_GB",
    )
    return replace(made, **changes)


def _statement() -> StatementDocument:
    lines, balance = [], 5_000
    for number in range(1, 80):
        moved = -balance if number % 10 == 0 else 1_000 * number
        balance += moved
        on = date(2017, 9, number % 30 + 1)
        lines.append(StatementLine(on, f"Bill {number}", _gbp(moved), _gbp(balance), f"R-{number}"))
    first, last = date(2017, 9, 1), date(2017, 9, 30)
    return StatementDocument("2017-09", PAYER, PAYEE, first, last, _gbp(5_000), _gbp(balance), tuple(lines))


def _check(**changes: Any) -> CheckDocument:
    made = CheckDocument(
        number="000451",
        payout_number="PO-000124",
        payer=PAYER,
        payee_name="Jo Bell",
        address=("22 College Avenue", "Burlington, VT 05401", "UNITED STATES"),
        on=date(2017, 9, 25),
        amount=Money(123_450, "USD"),
        lines=(RemittanceLine("Portfolio review", Money(123_450, "USD"), "R-1"),),
    )
    return replace(made, **changes)


def _pages(content: bytes) -> list[str]:
    assert content.startswith(b"%PDF-")
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(content)).pages]


def test_a_remittance_advice_says_everything_on_one_page() -> None:
    content = render.render_remittance(_remittance())
    (text,) = _pages(content)
    for said in (
        "Remittance advice PO-000123",
        "£1,133.95",
        "25 September 2017",
        "Łódź & Söhne <Tree> Surgeons",
        "Bank transfer ••9911",
        "INV-7",
        "11000001",
        "1 Sept 2017",
        "Credit note ₹ € ğ",
        "−£100.50",
        "Bills £1,234.45",
        "QUITTANCE 123",
        "Page 1 of 1",
        "Oxford City Council · Issued with Quittance",
    ):
        assert said in text, f"{said!r} is not in {text!r}"
    assert "Sandbox" not in text
    reader = PdfReader(io.BytesIO(content))
    assert reader.metadata is not None and reader.metadata.title == "Remittance advice PO-000123"
    fonts = {str(font) for page in reader.pages for font in page["/Resources"]["/Font"]}  # type: ignore[index]
    assert fonts and len(content) < 60_000  # subset fonts only


def test_a_sandbox_document_says_so() -> None:
    (text,) = _pages(render.render_remittance(_remittance(simulated=True)))
    assert "No money moved" in text
    (text,) = _pages(render.render_checks([_check(simulated=True)]))
    assert "NOT NEGOTIABLE" in text


def test_only_the_packaged_font_is_embedded() -> None:
    reader = PdfReader(io.BytesIO(render.render_remittance(_remittance())))
    fonts = reader.pages[0]["/Resources"]["/Font"]  # type: ignore[index]
    names = {fonts[name]["/BaseFont"] for name in fonts}
    assert names and all("Inter" in name for name in names)


def test_a_long_statement_goes_over_pages_with_its_headings() -> None:
    pages = _pages(render.render_statement(_statement()))
    assert len(pages) >= 2
    assert all("Description" in page for page in pages[:2])
    assert f"Page {len(pages)} of {len(pages)}" in pages[-1]
    assert "Bill 79" in " ".join(pages) and "Closing balance" in pages[-1]


def test_checks_take_a_page_each() -> None:
    many = tuple(RemittanceLine("A very long description of what was done " * 3, Money(100, "USD")) for _ in range(30))
    pages = _pages(render.render_checks([_check(), _check(number="000452", lines=many, amount=Money(3_000, "USD"))]))
    assert len(pages) == 2
    first, second = pages
    for said in ("000451", "Jo Bell", "**$1,234.50", "One thousand two hundred thirty-four US dollars and 50/100"):
        assert said in first
    assert "Burlington, VT 05401" in first and "Memo: PO-000124" in first
    assert "18 more, listed in your remittance advice $18.00" in second
    sizes = [PdfReader(io.BytesIO(render.render_checks([_check(paper=p)]))).pages[0].mediabox for p in ("letter", "A4")]
    assert [round(float(size.height)) for size in sizes] == [792, 842]


def test_the_same_values_give_the_same_bytes_in_any_process() -> None:
    def digest() -> str:
        parts = (render.render_remittance(_remittance()), render.render_statement(_statement()))
        return hashlib.sha256(b"".join((*parts, render.render_checks([_check()])))).hexdigest()

    here = digest()
    assert digest() == here
    script = (
        "import importlib.util, sys; spec = importlib.util.spec_from_file_location('t', sys.argv[1]);"
        "t = importlib.util.module_from_spec(spec); spec.loader.exec_module(t);"
        "import hashlib; r = t.render;"
        "parts = r.render_remittance(t._remittance()), r.render_statement(t._statement());"
        "parts += (r.render_checks([t._check()]),);"
        "print(hashlib.sha256(b''.join(parts)).hexdigest())"
    )
    there = subprocess.run(
        [sys.executable, "-c", script, __file__], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert there.stdout.strip() == here


def test_paper_that_contradicts_itself_is_not_made() -> None:
    with pytest.raises(ValueError, match="add up"):
        _remittance(total=_gbp(1))
    with pytest.raises(ValueError, match="add up"):
        _remittance(lines=())
    with pytest.raises(ValueError, match="add up"):
        replace(_statement(), closing=_gbp(1))
    with pytest.raises(ValueError, match="positive"):
        _check(amount=Money(0, "USD"))
    with pytest.raises(ValueError, match="no check"):
        render.render_checks([])
    endless = _remittance(total=_gbp(2_001), lines=(RemittanceLine("x", _gbp(1)),) * 2_001)
    with pytest.raises(render.TooLong):
        render.render_remittance(endless)


def test_nothing_is_fetched_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    seen: list[str] = []
    _, _, fetcher = render._shared()
    original = type(fetcher).fetch

    def watched(self: Any, url: str, headers: Any = None) -> Any:
        seen.append(url)
        return original(self, url, headers)

    monkeypatch.setattr(type(fetcher), "fetch", watched)
    for url in ("http://127.0.0.1:9/x.png", secret.as_uri(), "font:../../pyproject.toml", "data:text/plain,x"):
        with pytest.raises(ValueError, match="fetch nothing"):
            fetcher.fetch(url)
    note = f'<img src="{secret.as_uri()}"><link rel="stylesheet" href="http://127.0.0.1:9/x.css">'
    seen.clear()
    (text,) = _pages(render.render_remittance(_remittance(note=note)))
    assert note.replace(" ", "") in text.replace(" ", "")  # shown as it is, not obeyed
    assert seen == []


def test_a_machine_without_pango_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_pango(name: str, *args: Any, **named: Any) -> Any:
        if name == "weasyprint":
            raise OSError("cannot load library 'libpango-1.0-0'")
        return real(name, *args, **named)

    assert render.available()
    monkeypatch.setattr(builtins, "__import__", without_pango)
    assert not render.available()
    with pytest.raises(render.PdfUnavailable, match=r"libpango-1\.0-0 libpangoft2-1\.0-0 libharfbuzz-subset0"):
        render.render_remittance(_remittance())


def test_a_drawn_page_is_not_empty(tmp_path: Path) -> None:
    """Through poppler: what a reader's program shows has ink of our colour where the summary is."""
    pdftoppm = shutil.which("pdftoppm")
    if pdftoppm is None:
        pytest.skip("pdftoppm is not installed (poppler-utils)")
    (tmp_path / "a.pdf").write_bytes(render.render_remittance(_remittance()))
    subprocess.run([pdftoppm, "-r", "20", "-singlefile", "a.pdf", "a"], cwd=tmp_path, check=True)
    head, pixels = (tmp_path / "a.ppm").read_bytes().split(b"\n255\n", 1)
    assert head.startswith(b"P6\n")
    colours = {pixels[at : at + 3] for at in range(0, len(pixels), 3)}
    assert b"\xf4\xf4\xfd" in colours  # the summary's ground
    assert any(max(colour) < 90 for colour in colours)  # ink
