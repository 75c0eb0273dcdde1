"""What commands that read a file have in common: words for people or one JSON object, and rows handed back."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import click

from app.core.errors import Invalid, Refusal
from app.core.scope import Actor, Scope, operator
from app.db.session import unit_of_work
from app.organizations.models import Organization
from app.organizations.queries import by_slug
from portals.cli.links import login_name

BAD_ROWS = 2
SHOWN = 50
FILE = click.Path(path_type=Path)  # looked at by `read_file`, so that programs get their JSON for a missing file too


class Fault(Protocol):
    """What is wrong with a row."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> str: ...
    @property
    def reason(self) -> str: ...


class Reporter:
    """Words for people, or one JSON object for programs."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    def say(self, text: str) -> None:
        if not self.as_json:
            click.echo(text)

    def errors(self, errors: Sequence[Fault]) -> None:
        for error in errors[:SHOWN]:
            self.say(f"  line {error.line}{f', {error.column}' if error.column else ''}: {error.reason}")
        if len(errors) > SHOWN:
            self.say(f"  … and {len(errors) - SHOWN} more")

    def end(self, result: dict[str, Any], code: int) -> None:
        if self.as_json:
            click.echo(json.dumps(result, ensure_ascii=False))
        if code:
            sys.exit(code)

    def refuse(self, refusal: Refusal, result: dict[str, Any]) -> None:
        """The file as a whole cannot be taken; every named part is an error of its own."""
        if not self.as_json:
            raise click.UsageError(refusal.message + "".join(f"\n  {k}: {v}" for k, v in refusal.fields.items()))
        faults = {name: f"{refusal.message} {reason}" for name, reason in refusal.fields.items()}
        errors = [{"line": 0, "column": n, "reason": r} for n, r in (faults or {"": refusal.message}).items()]
        self.end({**result, "errors": errors}, BAD_ROWS)


def read_file(file: Path) -> bytes:
    """Raises Invalid where there is no readable file."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {(error.strerror or 'unknown reason').lower()}.") from None


def hand_back(rows: bytes, wanted: Path | None, file: Path) -> None:
    """Write the skipped rows where they were wanted, else beside the file, else where we are."""
    places = [wanted] if wanted else [file.with_name(f"{file.name}.skipped.csv"), Path(f"{file.name}.skipped.csv")]
    for place in places:
        try:
            place.write_bytes(rows)
        except OSError as error:
            reason = f"{place} cannot be written: {(error.strerror or 'unknown reason').lower()}."
            continue
        click.echo(f"Skipped rows to mend: {place}", err=True)
        return
    click.echo(f"The good rows are imported, but {reason} Import again with --skipped-to to get the others.", err=True)
    sys.exit(1)


def acting() -> Actor:
    return operator(f"operator {login_name()}")


def organization_of(slug: str) -> Organization:
    with unit_of_work(Scope.platform("which organization an operator means")) as session:
        return by_slug(session, slug)
