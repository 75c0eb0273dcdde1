"""Delimiters, quotation marks, heading rows and physical lines."""

from __future__ import annotations

import pytest

from app.core.errors import Invalid
from app.core.tables import delimited, table
from app.core.tables.table import Table, read_table
from app.payables.importing.columns import is_known


def read(text: str, **chosen: object) -> Table:
    return read_table(text.encode(), known=is_known, **chosen)  # type: ignore[arg-type]


@pytest.mark.parametrize(("mark", "name"), [(",", "comma"), (";", "semicolon"), ("\t", "tab"), ("|", "pipe")])
def test_delimiters(mark: str, name: str) -> None:
    found = read(mark.join(("Reference", "Supplier", "Amount")) + "\n" + mark.join(("1", "Acme", "5.00")))
    assert found.dialect.delimiter == name
    assert found.headings == ("Reference", "Supplier", "Amount")
    assert found.rows == [["1", "Acme", "5.00"]]


def test_decimal_commas_do_not_look_like_delimiters() -> None:
    found = read("Ref;Supplier;Net;VAT\n1;A;1,50;0,30\n2;B;2,50;0,50\n3;C;9,99;2,00\n")
    assert found.dialect.delimiter == "semicolon"
    assert found.rows[0] == ["1", "A", "1,50", "0,30"]


def test_unknown_headings_still_show_the_delimiter() -> None:
    found = read("Foo|Bar, or so|Baz\nx|1,2|3\ny|4,5|6\n")
    assert found.dialect.delimiter == "pipe"
    assert found.headings == ("Foo", "Bar, or so", "Baz")


def test_excels_own_hint_wins_and_keeps_the_lines() -> None:
    found = read("sep=;\r\nFoo;Bar,Baz,Qux\r\nx;1,2,3\r\n")
    assert found.dialect.delimiter == "semicolon"
    assert found.dialect.heading_line == 2
    assert found.lines == [3]


def test_a_delimiter_may_be_chosen() -> None:
    text = "Foo;Bar,Baz\nx;y,z\n"
    assert read(text, delimiter="semicolon").headings == ("Foo", "Bar,Baz")
    assert read(text, delimiter=",").headings == ("Foo;Bar", "Baz")
    with pytest.raises(Invalid, match="cannot separate"):
        read(text, delimiter="x")


def test_titles_and_blank_lines_above_the_headings() -> None:
    found = read("City Council,,\nExpenditure over £500,Q3 2017,\n\n,,\nTrans No,Supplier Name,Amount\n1,Acme,5\n")
    assert found.dialect.heading_line == 5
    assert found.headings == ("Trans No", "Supplier Name", "Amount")
    assert found.lines == [6]


def test_titles_above_headings_nobody_knows() -> None:
    found = read("Some title,,\nAlpha,Beta,Gamma\nx,12.50,01/02/2017\n")
    assert found.headings == ("Alpha", "Beta", "Gamma")


def test_the_heading_line_may_be_chosen() -> None:
    text = "Trans No,Supplier Name,Amount\nAlpha,Beta,Gamma\nx,y,1\n"
    assert read(text, heading_line=2).headings == ("Alpha", "Beta", "Gamma")
    with pytest.raises(Invalid, match="No row starts on line 9"):
        read(text, heading_line=9)


def test_lines_are_those_an_editor_shows() -> None:
    text = 'Trans No,Supplier Name,Amount\r\n1,"Acme\r\nLtd",5\r\n\r\n2,Beta,6\r\n'
    assert read(text).lines == [2, 5]
    assert read(text.replace("\r\n", "\r")).lines == [2, 5]
    assert read(text.replace("\r\n", "\n")).dialect.line_endings == "LF (Unix)"
    # letters that only Python takes for line ends
    assert read("Trans No,Supplier Name,Amount\n1,A\x85B\u2028C\x0c,5\n2,B,6\n").lines == [2, 3]


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ('1,"He said ""hi"", twice",5', ["1", 'He said "hi", twice', "5"]),
        ('1, "Acme, Inc",5', ["1", "Acme, Inc", "5"]),
        (r'1,"The \"Best\", Ltd",5', ["1", 'The "Best", Ltd', "5"]),
        ('1,5" pipe,5', ["1", '5" pipe', "5"]),
        ('1,"Acme" Ltd,5', ["1", "Acme Ltd", "5"]),
        ("1,'tis,5", ["1", "'tis", "5"]),
        ("1,Acme", ["1", "Acme", ""]),
        ("1,Acme,5,,,", ["1", "Acme", "5"]),
        ("1,Acme,5,x", ["1", "Acme", "5", "x"]),
        ("1,'=SUM(A1),5", ["1", "=SUM(A1)", "5"]),
        ("1,Acme,'-£5.00", ["1", "Acme", "-£5.00"]),
    ],
)
def test_cells(line: str, cells: list[str]) -> None:
    assert read(f"Trans No,Supplier Name,Amount\n{line}\n").rows == [cells]


@pytest.mark.parametrize("tail", ['2,"Beta,6\n3,Gamma,7\n', '2,"Beta', '2,"'])
def test_a_quotation_mark_that_never_closes_is_refused(tail: str) -> None:
    with pytest.raises(Invalid, match="opened in the row on line 3 is never closed"):
        read(f"Trans No,Supplier Name,Amount\n1,Acme,5\n{tail}")


def test_columns_without_a_name_and_with_the_same() -> None:
    found = read("Trans No,,Amount,Amount,,\n1,x,5,6,,\n2,,7,8,,\n")
    assert found.headings == ("Trans No", "Column 2", "Amount", "Amount (2)")
    assert found.rows[0] == ["1", "x", "5", "6"]


def test_most_rows_wider_than_the_headings_make_a_column() -> None:
    found = read("Trans No,Supplier Name,Amount\n1,A,5,x\n2,B,6,y\n3,C,7\n")
    assert found.headings == ("Trans No", "Supplier Name", "Amount", "Column 4")
    assert found.rows[2] == ["3", "C", "7", ""]


def test_repeated_headings_are_left_out_and_said() -> None:
    found = read("Trans No,Supplier Name,Amount\n1,A,5\nTrans No,Supplier Name,Amount\n2,B,6\n")
    assert found.lines == [2, 4]
    assert "repeated" in found.notes[0]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("just a line of prose\nand another\n", "Only one column"),
        ("1,2017-01-01,5\n2,2017-01-02,6\n", "No heading row"),
        ("Trans No,Supplier Name,Amount\n", "no rows below"),
        ("Trans No,Supplier Name,Amount\n,,\n\n", "no rows below"),
        (",".join(f"H{n}" for n in range(201)) + "\n" + "x," * 200 + "1\n", "201 columns; at most 200"),
        ("Trans No,Supplier Name,Amount\n1," + "x" * 140_000 + ",5\n", "line 2 cannot be read. A cell is too long"),
        ("Trans No,Supplier Name,Amount\n1," + "x," * 600_000 + "5\n", "line 2 is too long"),
    ],
)
def test_tables_that_cannot_be(text: str, sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        read(text)


def test_too_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "MAX_ROWS", 100)
    monkeypatch.setattr(table, "MAX_ROWS", 100)
    head = "Trans No,Supplier Name,Amount\n"
    assert len(read(head + "1,A,5\n" * 100).rows) == 100
    for count in (101, 1000):
        with pytest.raises(Invalid, match="more than 100 rows"):
            read(head + "1,A,5\n" * count)


def test_nothing_of_the_rows_is_in_the_representation() -> None:
    assert "Acme" not in repr(read("Trans No,Supplier Name,Amount\n1,Acme,5\n"))
