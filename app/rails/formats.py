"""The kinds of bank file: which of them a set of transfers can be, and the bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.rails import nacha, neft, pain001
from app.rails.bank_file import ExportLine, FileFacts, render_csv
from app.rails.latin import Written
from app.rails.originators import LABELS, ProfileKind

Profiles = Mapping[ProfileKind, Mapping[str, str]]


class FileFormat(StrEnum):
    CSV = "csv"
    NACHA = "nacha"
    PAIN_09 = "pain.001.001.09"
    PAIN_03 = "pain.001.001.03"
    NEFT = "neft"


@dataclass(frozen=True, slots=True)
class Spec:
    """`profile`: what has to be known of the payer. `why_not`: what about the lines stands against it."""

    label: str
    suffix: str
    content_type: str
    profile: ProfileKind | None
    why_not: Callable[[Sequence[ExportLine]], str]
    name_of: Callable[[ExportLine], Written]
    reference_of: Callable[[ExportLine], Written]


def _nothing(lines: Sequence[ExportLine]) -> str:
    return ""


def _holder(line: ExportLine) -> Written:
    return Written(line.destination.get("account_holder") or line.payee_name)


def _reference(line: ExportLine) -> Written:
    return Written(line.reference)


def _own_id(line: ExportLine) -> Written:
    return Written(line.id)


_XML = "application/xml; charset=utf-8"
SPECS: dict[FileFormat, Spec] = {
    FileFormat.NACHA: Spec(
        "NACHA (PPD and CCD)", "ach", "text/plain; charset=us-ascii", ProfileKind.NACHA, nacha.why_not, nacha.name_of,
        _own_id,
    ),
    FileFormat.PAIN_09: Spec(
        "SEPA pain.001.001.09", "xml", _XML, ProfileKind.SEPA, pain001.why_not, pain001.name_of, pain001.reference_of
    ),
    FileFormat.PAIN_03: Spec(
        "SEPA pain.001.001.03", "xml", _XML, ProfileKind.SEPA, pain001.why_not, pain001.name_of, pain001.reference_of
    ),
    FileFormat.NEFT: Spec(
        "NEFT and RTGS", "csv", "text/csv; charset=utf-8", ProfileKind.NEFT, neft.why_not, neft.name_of, neft.remarks_of
    ),
    FileFormat.CSV: Spec("CSV", "csv", "text/csv; charset=utf-8", None, _nothing, _holder, _reference),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Offer:
    """One format for a set of lines; `why_not` names what stands against it, "" when it can be had."""

    format: FileFormat
    why_not: str = ""

    @property
    def label(self) -> str:
        return SPECS[self.format].label


def offers(lines: Sequence[ExportLine], profiles: Profiles) -> list[Offer]:
    """Every format, the one to choose first of all: that of the accounts' country when it can be had, CSV otherwise.

    A profile that was never written stands against a format by its name.
    """
    found = []
    for format_, spec in SPECS.items():
        reason = spec.why_not(lines)
        if not reason and spec.profile is not None and spec.profile not in profiles:
            reason = f"The bank profile “{LABELS[spec.profile]}” is not written yet."
        found.append(Offer(format_, reason))
    older = profiles.get(ProfileKind.SEPA, {}).get("version") == FileFormat.PAIN_03
    return sorted(found, key=lambda o: (bool(o.why_not), older and o.format is FileFormat.PAIN_09))


def render(
    format_: FileFormat, lines: Sequence[ExportLine], profile: Mapping[str, str] | None, facts: FileFacts
) -> bytes:
    """The bytes of the file. Raises ValueError where `offers` has a reason against it."""
    if format_ is FileFormat.CSV:
        return render_csv(lines)
    if profile is None:
        raise ValueError("this format needs a bank profile")
    if format_ is FileFormat.NACHA:
        return nacha.render(lines, profile, facts)
    if format_ is FileFormat.NEFT:
        return neft.render(lines, profile, facts)
    return pain001.render(lines, profile, facts, format_.value)


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A text of a line that stands otherwise in the file. `lost`: letters are missing from it."""

    id: str
    asked: str
    text: str
    lost: bool


def rewritten(format_: FileFormat, lines: Sequence[ExportLine]) -> list[Rewritten]:
    """What the person who releases the file has to see: names and references that the format writes in another way.

    Capitals alone are no change.
    """
    spec = SPECS[format_]
    found = []
    for line in lines:
        name, reference = spec.name_of(line), spec.reference_of(line)
        holder = line.destination.get("account_holder") or line.payee_name
        for asked, written in ((holder, name), (line.reference, reference)):
            if written.text != line.id and asked.casefold() != written.text.casefold():
                found.append(Rewritten(line.id, asked, written.text, written.lost))
    return found
