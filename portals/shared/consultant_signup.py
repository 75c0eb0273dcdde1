"""What a consultant's application asks beyond everybody's."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import RadioField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.consultations import applications
from app.consultations import profile_rules as rules
from app.consultations.profile_rules import Expertise
from app.consultations.states import Practice
from app.payees import application_rules
from app.payees.application_rules import Stated
from app.payees.applications import Target
from app.payees.states import PayeeKind
from portals.shared.application_form import ApplicationForm
from portals.shared.pictures import PictureForm
from portals.web.db import db

PRACTICES = {
    Practice.CONSULTANT: (_l("Consultant"), _l("You set your own prices.")),
    Practice.ADVISOR: (_l("Advisor"), _l("Sessions of 15, 30 and 60 minutes at the platform’s prices.")),
    Practice.DOCTOR: (_l("Doctor"), _l("A flat rate for each appointment.")),
}


class ConsultantForm(ApplicationForm, PictureForm):
    message = None
    practice = RadioField(
        _l("You work as"),
        choices=lambda: [(one.value, label) for one, (label, _note) in PRACTICES.items()],
        default=Practice.CONSULTANT.value,
    )
    specialties = StringField(
        _l("Specialties"), [InputRequired(_l("Name at least one: clients look for it.")), Length(max=1_500)],
        description=_l("With commas between them, for example pricing, tax law."),
    )  # fmt: skip
    skills = StringField(_l("Skills"), [Length(max=1_500)], description=_l("Methods and tools, with commas between."))
    languages = StringField(
        _l("Languages"), [InputRequired(_l("Name at least one language you consult in.")), Length(max=1_500)],
        description=_l("By their English names, for example English, Swahili."),
    )  # fmt: skip
    bio = TextAreaField(
        _l("About you"), [InputRequired(_l("Say who you are and what you help with.")), Length(max=rules.LONGEST_BIO)],
        description=_l("It is published with your profile."),
    )  # fmt: skip

    def accepts_all(self) -> bool:
        return self.accepts_with_files()

    def stated(self) -> Stated:
        return application_rules.cleaned(
            self.name.data or "", self.work.data or "", self.country.data or "", self.links.data or "", ""
        )

    def expertise(self, *, of_platform: bool) -> Expertise:
        """Raises Invalid naming every bad field."""
        return rules.expertise(
            practice=Practice(self.practice.data), skills=self.skills.data or "",
            specialties=self.specialties.data or "", languages=self.languages.data or "", bio=self.bio.data or "",
            of_platform=of_platform,
        )  # fmt: skip

    def send(self, kind: PayeeKind, slug: str | None, target: Target) -> None:
        stated, expertise = self.stated(), self.expertise(of_platform=target.slug is None)
        picture = (self.picture.inspected, self.picture.key) if self.picture else None
        if not self.company_url.data:
            applications.apply(db(), slug, self.email.data or "", stated, expertise, picture)
