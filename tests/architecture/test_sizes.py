"""Files, functions and templates stay small enough to read in one go."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILE, FUNCTION, TEMPLATE = 400, 60, 120  # lines


def python_files() -> Iterator[Path]:
    for folder in ("app", "portals", "jobs", "tests", "bench"):
        yield from (ROOT / folder).rglob("*.py")


def test_no_python_file_is_longer_than_a_chapter() -> None:
    long = {str(path.relative_to(ROOT)): lines for path in python_files() if (lines := _lines(path)) > FILE}
    assert not long


def test_no_function_is_longer_than_a_page() -> None:
    long = {}
    for path in python_files():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                length = node.end_lineno - node.lineno + 1
                if length > FUNCTION:
                    long[f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"] = length
    assert not long


def test_no_template_is_longer_than_a_page() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in (ROOT / "templates").rglob("*.html")
        if (lines := _lines(path)) > TEMPLATE
    }
    assert not long


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())
