"""Invoices as PDF: readable, archivable, with the machine's copy inside, and always the same bytes."""

from __future__ import annotations

import io
import time
from dataclasses import replace
from datetime import date

import facturx
import pytest
from PIL import Image
from pypdf import PdfReader

from app.billing import gst, paper
from app.billing.assessment import Buyer, Item, Seller
from app.billing.documents import Bank, Document, DocumentKind, Party
from app.billing.einvoice import cii
from app.core.money import Money
from app.pdf import render
from app.pdf.invoices import Sum
from tests.app.billing.making import GHENT, document

BENGALURU = Party("Quittance India Private Limited", "IN", "4 MG Road", "Bengaluru", "560001", "29", "29AAACA1234A1ZG")
CHENNAI = Party("Kaveri Academy", "IN", "12 Park Street", "Chennai", "600001", "33")


def _text(pdf: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())


def _indian() -> Document:
    items = [
        Item("Consultation, 60 minutes", Money(30_000_00, "INR"), 1800, "998311"),
        Item("Class", Money(123_45, "INR"), 1800, "999293"),
    ]
    found = gst.assess(Seller("IN", "29", BENGALURU.tax_id), Buyer("IN", "33"), items)
    return Document(
        DocumentKind.INVOICE, "QT/INV/2627/0001", date(2026, 11, 1), BENGALURU, CHENNAI, found, (3, 1),
        due_on=date(2026, 12, 1), bank=Bank(BENGALURU.name, "5020001234", "HDFC0000001", "HDFC Bank"),
    )  # fmt: skip


def test_a_tax_invoice_of_india_says_what_the_law_wants() -> None:
    said = _text(render.render_invoice(paper.of(_indian(), locale="en_IN")))
    for words in (
        "Tax invoice", "ORIGINAL FOR RECIPIENT", "QT/INV/2627/0001", "GSTIN 29AAACA1234A1ZG", "Place of supply",
        "Tamil Nadu (33)", "Reverse charge", "SAC 998311", "IGST 18%", "Round-off",
        "Thirty-five thousand five hundred forty-six Indian rupees and 00/100", "₹35,546.00", "HDFC Bank",
    ):  # fmt: skip
        assert words in said, words


def test_the_machines_copy_is_inside_and_the_file_is_an_archive() -> None:
    made = document(GHENT)
    xml = cii.build(made)
    pdf = render.render_invoice(paper.of(made), xml)
    name, inside = facturx.get_xml_from_pdf(pdf, check_xsd=True, check_schematron=False)
    assert (name, inside) == ("factur-x.xml", xml)
    catalog = PdfReader(io.BytesIO(pdf)).trailer["/Root"]
    assert len(catalog["/AF"]) == 1 and catalog["/AF"][0].get_object()["/AFRelationship"] == "/Alternative"
    assert catalog["/OutputIntents"]
    told = catalog["/Metadata"].get_data()
    assert b"<pdfaid:part>3" in told and b"<pdfaid:conformance>B" in told and told.count(b"<rdf:RDF") == 1
    assert "Reverse charge" in _text(pdf)


@pytest.mark.parametrize("inside", [True, False], ids=["with XML", "paper only"])
def test_the_same_document_gives_the_same_bytes_another_second(inside: bool) -> None:
    made = document()
    xml = cii.build(made) if inside else None
    first = render.render_invoice(paper.of(made), xml)
    time.sleep(1.1)
    assert render.render_invoice(paper.of(made), xml) == first


def test_what_came_after_is_taken_off() -> None:
    made = document()
    after = (Sum("Credit note CN-2026-0003, Nov 9", Money(-420_00, "EUR")),)
    printed = paper.of(made, after=after, stamp="PART PAID")
    assert printed.due == Money(1420_00, "EUR")
    said = _text(render.render_invoice(printed))
    assert "PART PAID" in said and "Amount due €1,420.00" in said
    with pytest.raises(ValueError, match="does not add up"):
        replace(printed, due=Money(1, "EUR"))


def test_what_is_paid_says_no_more_where_to_pay() -> None:
    made = document()
    total = made.total
    part = paper.of(made, after=(Sum("Bank transfer", Money(1 - total.minor, "EUR")),), stamp="PART PAID")
    assert part.due.minor == 1 and "How to pay" in _text(render.render_invoice(part))
    whole = paper.of(made, after=(Sum("Bank transfer", -total),), stamp="PAID")
    said = _text(render.render_invoice(whole))
    assert "PAID" in said and "How to pay" not in said and "AGRIFRPP" not in said
    assert render.render_invoice(whole) == render.render_invoice(whole)


def test_a_credit_note_names_what_it_corrects() -> None:
    said = _text(render.render_invoice(paper.of(document(kind=DocumentKind.CREDIT_NOTE))))
    assert "Credit note" in said and "INV-2026-0007 of Nov 1, 2026" in said and "Two sessions were cancelled." in said


def test_a_logo_is_on_the_page_and_nothing_else_is_fetched(tmp_path: object) -> None:
    drawn = io.BytesIO()
    Image.new("RGB", (60, 20), "navy").save(drawn, "PNG")
    pdf = render.render_invoice(paper.of(document(), logo=drawn.getvalue()))
    assert PdfReader(io.BytesIO(pdf)).pages[0].images
    hostile = replace(
        document(), notes=('<img src="file:///etc/hostname"><link rel=attachment href="file:///etc/passwd">',)
    )
    assert "file:///etc/hostname" in _text(render.render_invoice(paper.of(hostile)))
