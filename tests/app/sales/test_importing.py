"""Files of orders read into values: shops' own exports, everything wrong with a line, and no buyer in what is kept."""

from __future__ import annotations

import pytest

from app.core.errors import Invalid
from app.sales.importing import Orders, read_orders, unpacked

SHOPIFY = """Name,Email,Financial Status,Paid at,Currency,Subtotal,Ship,Tax,Total,Discount Code,Item,Refunded Amount,Id
#1001,Buyer@Example.test,paid,2026-11-02 10:15:00 -0500,USD,120.00,5.00,9.60,134.60,AMARA15,Scarf,0.00,5550001
#1001,,,,,,,,,,Hat,,
#1002,,partially_refunded,2026-11-03 08:00:00 +0000,USD,80.00,0.00,0.00,80.00,amara15,Hat,20.00,5550002
#1003,,pending,,USD,10.00,0,0,10.00,AMARA15,Hat,0,5550003
#1004,,paid,2026-11-03 08:00:00 +0000,USD,10.00,0,0,10.00,,Hat,0,5550004
"""


def read(text: str, currency: str = "USD") -> Orders:
    return read_orders(text.encode(), currency=currency, buyer_index=lambda email: "hash" if email else None)


def test_the_export_of_shopify() -> None:
    found = read(SHOPIFY)
    assert (found.read, found.without_code, found.unpaid, found.faults) == (4, 1, 1, [])
    first, second = found.rows
    assert (first.external_id, first.number, first.codes) == ("5550001", "#1001", ["AMARA15"])
    assert (first.basis_minor, first.total_minor, first.ordered_at) == (120_00, 134_60, "2026-11-02T15:15:00+00:00")
    assert (first.buyer_index, second.buyer_index, second.refunded_minor) == ("hash", None, 20_00)
    assert b"Buyer@" not in found.packed() and unpacked(found.packed()) == found
    order = first.order()
    assert (order.basis.minor, order.buyer_email, order.buyer_index) == (120_00, "", "hash")


def test_a_plain_table_in_another_currency() -> None:
    found = read("order id;coupon;amount;date\n1;A, B;1500;2026-11-01\n2;A;20.50;2026-11-01T10:00Z\n", "JPY")
    assert found.rows[0].codes == ["A", "B"] and found.rows[0].basis_minor == 1500
    assert found.rows[0].number == "1" and found.rows[0].total_minor == 1500
    assert [fault.column for fault in found.faults] == ["Subtotal"]
    assert "decimal places" in found.faults[0].reason


def test_a_day_without_a_zone_is_the_organization_s() -> None:
    file = b"order id;coupon;amount;date\n1;A;5;2026-11-01\n2;A;5;2026-11-01 09:00\n3;A;5;2026-11-01 09:00 +0100\n"
    found = read_orders(file, currency="USD", buyer_index=lambda _email: None, zone="America/New_York")
    assert [row.ordered_at[:16] for row in found.rows] == ["2026-11-01T04:00", "2026-11-01T14:00", "2026-11-01T08:00"]


def test_everything_wrong_with_a_line_is_said() -> None:
    found = read(
        "order id,code,subtotal,currency,paid at\n"
        ",X,12.00,USD,2026-11-01\n"
        "1,X,\"1,200.00\",XXX,30/11/2026\n"
        "2,X,-5,USD,2026-13-01\n"
        "3,X,5,USD,2026-11-01\n"
        "3,X,5,USD,2026-11-01\n"
        "1.2E+17,X,5,USD,2026-11-01\n"
    )  # fmt: skip
    assert [(fault.line, fault.column) for fault in found.faults] == [
        (2, "Order"), (3, "Currency"), (3, "Subtotal"), (3, "Paid at"), (4, "Subtotal"), (4, "Paid at"), (6, "Order"),
        (7, "Order"),
    ]  # fmt: skip
    assert [row.external_id for row in found.rows] == ["3"]
    assert "line 5 already" in found.faults[6].reason


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "order id,subtotal\n1,2\n", "order id,code,subtotal,paid at\n"])
def test_what_is_no_table_of_orders(text: str) -> None:
    with pytest.raises(Invalid):
        read(text)
