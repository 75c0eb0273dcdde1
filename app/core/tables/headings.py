"""Headings of other people's programs, brought to one form: "TransNo", "TRANS_NO." and "Transaction Number (£)" meet.

A heading becomes plain words; bracketed remarks, currency signs and filler go; abbreviations and the words other
systems and languages use become ours.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from app.core.money import CURRENCIES

_SAME = {
    "number": "no num nbr nr nos numbers nummer numero numéro número",
    "reference": "ref refs reference references referenz référence referencia",
    "id": "id identifier ident key uid",
    "code": "code codes",
    "name": "name names nom nombre",
    "amount": "amount amounts amt betrag montant importe bedrag importo sum",
    "transaction": "transaction transactions trans txn trn tran",
    "document": "document doc docs beleg",
    "voucher": "voucher vchr vouchers",
    "invoice": "invoice invoices inv rechnung facture factura factuur fattura",
    "bill": "bill bills",
    "supplier": "supplier suppliers vendor vendors creditor creditors payee beneficiary merchant lieferant "
    "kreditor fournisseur proveedor leverancier fornitore",
    "description": "description desc descr beschreibung descripción descrizione omschrijving",
    "department": "department dept",
    "date": "date dates dt datum fecha data",
    "payment": "payment payments paid pay pmt pymt zahlung paiement pago",
    "due": "due fällig échéance vencimiento fälligkeit",
    "currency": "currency ccy curr crcy cur währung devise moneda valuta",
    "expenditure": "expenditure expense expenses exp spend spending",
    "centre": "centre center centres",
    "account": "account acct acc accounts konto compte cuenta",
    "value": "value values val",
    "vat": "vat tax gst mwst tva iva",
    "line": "line row",
    "sort": "sort",
    "routing": "routing aba",
    "address": "address addr adresse",
    "postcode": "postcode postal zip plz",
    "method": "method",
    "iban": "iban",
    "bic": "bic swift",
    "net": "net netto nett",
    "gross": "gross brutto total",
}
_WORDS = {word: ours for ours, words in _SAME.items() for word in words.split()}
_WHOLE = {
    "rechnungsnummer": "invoice number",
    "rechnungsnr": "invoice number",
    "rechnungsdatum": "invoice date",
    "belegnummer": "document number",
    "belegnr": "document number",
    "belegdatum": "document date",
    "buchungsdatum": "posting date",
    "lieferantennummer": "supplier number",
    "lieferantennr": "supplier number",
    "lieferantenname": "supplier name",
    "kreditorennummer": "supplier number",
    "fälligkeitsdatum": "due date",
    "buchungstext": "description",
    "verwendungszweck": "purpose",
    "kostenstelle": "cost centre",
    "kontonummer": "account number",
    "bankleitzahl": "sort code",
    "libellé": "description",
    "concepto": "description",
}
_FILLER = (
    frozenset("the of a de du in la le".split()) | {code.lower() for code in CURRENCIES} | {"eur", "euro", "pounds"}
)
_BRACKETS = re.compile(r"\([^)]*\)|\[[^\]]*\]|\{[^}]*\}")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_BREAK = re.compile(r"[^\w]+|_+")
_GLUED = 24  # longest heading tried as words written together


@lru_cache(maxsize=4096)
def canonical(heading: str) -> str:
    """The heading in our words, e.g. "transaction number"; "" for one without a letter or digit."""
    text = unicodedata.normalize("NFKC", heading).strip().replace("#", " number ")
    bare = _BRACKETS.sub(" ", text)
    words = _BREAK.sub(" ", _CAMEL.sub(" ", bare if bare.strip() else text)).casefold().split()
    ours: list[str] = []
    for word in words:
        ours.extend(_WHOLE[word].split() if word in _WHOLE else _ours(word))
    kept = [word for word in ours if word not in _FILLER]
    return " ".join(kept or ours)


def _ours(word: str) -> list[str]:
    if word in _WORDS:
        return [_WORDS[word]]
    if len(word) <= _GLUED and (parts := _split(word)):
        return [_WORDS.get(part, part) for part in parts]
    return [word]


def _split(word: str) -> list[str] | None:
    """ "transno" as ["trans", "no"], only when known words fill it whole."""
    for end in range(len(word), 1, -1):
        if word[:end] in _WORDS:
            if end == len(word):
                return [word]
            if rest := _split(word[end:]):
                return [word[:end], *rest]
    return None
