"""Threads between a payee and an organization: who may write, what is unread, what one mail tells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from app.core.clock import utc_now
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.scope import Actor, Scope
from app.core.topics import Topic
from app.db.outbox import OutboxRow
from app.db.session import unit_of_work
from app.files.sniffing import inspect
from app.messages import queries, rules, service
from app.messages.models import Thread
from app.messages.queries import ThreadFilter
from app.messages.service import About, Attached
from app.messages.states import AboutKind, Side
from app.notify import choices
from app.notify.models import Mail
from app.organizations.states import Role
from app.payees.states import PayeeKind
from jobs.messages import tell_unread
from tests.factories import organizations, payees, people

PLATFORM = Scope.platform("tests")


@dataclass(frozen=True)
class World:
    organization_id: UUID
    payee_id: UUID
    payee: Actor
    member: Actor

    def start(self, actor: Actor, subject: str = "Window graphics", body: str = "When?", **more: Any) -> UUID:
        with unit_of_work(scope_of(actor)) as session:
            made = service.start(
                session, actor, self.organization_id, self.payee_id, subject=subject, body=body, **more
            )
            return made.thread_id

    def unread(self, actor: Actor) -> int:
        assert actor.account_id
        with unit_of_work(scope_of(actor)) as session:
            return queries.unread_count(session, actor.account_id)


def scope_of(actor: Actor) -> Scope:
    return Scope.payee(actor.payee_id) if actor.payee_id else Scope.organization(actor.organization_id or uuid4())


def post(actor: Actor, thread_id: UUID, body: str) -> int:
    with unit_of_work(scope_of(actor)) as session:
        return service.post(session, actor, thread_id, body).number


def read(actor: Actor, thread_id: UUID, number: int) -> None:
    with unit_of_work(scope_of(actor)) as session:
        service.read(session, actor, thread_id, number)


def listed(actor: Actor, **wanted: Any) -> list[str]:
    assert actor.account_id
    with unit_of_work(scope_of(actor)) as session:
        return [row.subject for row in queries.threads(session, actor.account_id, ThreadFilter(**wanted)).items]


def mails() -> list[Mail]:
    with unit_of_work(PLATFORM) as session:
        return list(session.scalars(select(Mail).where(Mail.template == "messages_unread").order_by(Mail.created_at)))


@pytest.fixture
def world(database_url: str) -> World:
    oxford = organizations.organization("oxford")
    payee_id = payees.vendor(oxford, "Lumen Print")
    payee = people.payee(payee_id, "lumen@vendor.test")
    return World(oxford, payee_id, payee, people.member(oxford, Role.MANAGER, "manager@oxford.test"))


def test_numbers_have_no_gaps_and_each_reader_has_their_own_mark(world: World) -> None:
    owner = people.member(world.organization_id, Role.OWNER, "owner@oxford.test")
    thread = world.start(world.payee)
    assert world.unread(world.payee) == 0  # one's own words are no news
    assert world.unread(world.member) == world.unread(owner) == 1
    read(world.member, thread, 1)
    assert (world.unread(world.member), world.unread(owner)) == (0, 1)
    assert [post(world.member, thread, "Monday"), post(world.payee, thread, "Thanks")] == [2, 3]
    assert world.unread(world.member) == 1
    read(world.member, thread, 99)  # nobody has read what is not written yet
    read(world.member, thread, 1)  # and nothing is unread again
    assert world.unread(world.member) == 0
    post(world.payee, thread, "One more")
    assert world.unread(world.member) == 1


def test_what_came_before_a_reply_stays_unread(world: World) -> None:
    thread = world.start(world.payee)
    post(world.payee, thread, "And the price?")
    assert post(world.member, thread, "Hello") == 3  # written without having seen the second
    assert world.unread(world.member) == 1


def test_unread_threads_come_first_and_a_page_ends_where_the_next_begins(world: World) -> None:
    for n in range(5):
        world.start(world.payee, f"Thread {n}")
    with unit_of_work(scope_of(world.member)) as session:
        account_id = world.member.account_id or uuid4()
        read_first = {row.subject: row.id for row in queries.threads(session, account_id, ThreadFilter()).items}
        for n in (4, 2):
            service.read(session, world.member, read_first[f"Thread {n}"], 1)
        first = queries.threads(session, account_id, ThreadFilter(), None, 3)
        rest = queries.threads(session, account_id, ThreadFilter(), first.next_cursor, 3)
        back = queries.threads(session, account_id, ThreadFilter(), rest.previous_cursor, 3)
    assert [row.subject for row in first.items] == ["Thread 3", "Thread 1", "Thread 0"]
    assert [row.subject for row in rest.items] == ["Thread 4", "Thread 2"] and rest.next_cursor is None
    assert [row.id for row in back.items] == [row.id for row in first.items]
    assert listed(world.member, unread=True) == ["Thread 3", "Thread 1", "Thread 0"]


def test_a_new_member_finds_old_threads_read(world: World, superuser: Any) -> None:
    thread = world.start(world.payee)
    superuser.execute("UPDATE message_threads SET last_at = last_at - interval '1 hour'")
    late = people.member(world.organization_id, Role.ADMIN, "late@oxford.test")
    assert world.unread(late) == 0 and listed(late) == ["Window graphics"]
    post(world.payee, thread, "Still there?")
    assert world.unread(late) > 0


def test_what_is_long_past_is_in_the_list_and_not_in_the_number(world: World, superuser: Any) -> None:
    world.start(world.payee, "Old")
    superuser.execute("UPDATE message_threads SET last_at = last_at - interval '91 days'")
    superuser.execute("UPDATE members SET created_at = created_at - interval '1 year'")
    world.start(world.payee, "New")
    assert world.unread(world.member) == 1 and listed(world.member, unread=True) == ["New", "Old"]


def test_strangers_find_nothing_and_cannot_write(world: World) -> None:
    thread = world.start(world.payee)
    other_payee = people.payee(payees.vendor(world.organization_id, "Other Works"))
    cambridge = organizations.organization("cambridge")
    other_member = people.member(cambridge, Role.OWNER)
    for stranger in (other_payee, other_member):
        assert listed(stranger) == [] and world.unread(stranger) == 0
        with pytest.raises(NotFound):
            post(stranger, thread, "Hello")
        with pytest.raises(NotFound):
            read(stranger, thread, 1)
        with pytest.raises((Forbidden, NotFound)):
            world.start(stranger)
    learner = people.member(world.organization_id, Role.LEARNER)
    with pytest.raises(Forbidden):
        post(learner, thread, "Hello")
    with unit_of_work(PLATFORM) as session, pytest.raises(Forbidden):  # the platform is no side of it
        service.post(session, people.admin(), thread, "Hello")
    with unit_of_work(Scope.organization(cambridge)) as session, pytest.raises(NotFound):
        service.start(session, other_member, cambridge, world.payee_id, subject="Hi", body="Hi")


def test_nothing_written_is_changed(world: World) -> None:
    world.start(world.payee)
    for sql in ("UPDATE messages SET body = 'x'", "DELETE FROM messages"):
        for scope in (scope_of(world.payee), PLATFORM):
            with pytest.raises(ProgrammingError, match="permission denied"), unit_of_work(scope) as session:
                session.execute(text(sql))


def test_a_message_cannot_join_two_tenants(world: World, superuser: Any) -> None:
    """Foreign keys see past policies, so the key holds the tenants too."""
    thread = world.start(world.payee)
    other = payees.vendor(world.organization_id, "Other Works")
    with pytest.raises(IntegrityError), unit_of_work(PLATFORM) as session:
        session.execute(
            text(
                "INSERT INTO messages (organization_id, payee_id, thread_id, number, side, author, author_account_id,"
                " body) VALUES (:o, :p, :t, 2, 'payee', 'x', :a, 'x')"
            ),
            {"o": world.organization_id, "p": other, "t": thread, "a": uuid4()},
        )


def test_one_thread_about_one_bill(world: World) -> None:
    bill = uuid4()
    about = About(AboutKind.REQUEST, bill, "LP-1184")
    thread = world.start(world.payee, about=about)
    with pytest.raises(Conflict):
        world.start(world.member, about=about)
    with unit_of_work(scope_of(world.member)) as session:
        ids = (world.organization_id, world.payee_id, AboutKind.REQUEST)
        assert queries.thread_about(session, *ids, bill) == thread
        assert queries.thread_about(session, *ids, uuid4()) is None
        assert queries.thread(session, thread).about_label == "LP-1184"


def test_files_come_with_the_message_and_belong_to_both_sides(world: World) -> None:
    file = Attached(inspect(b"%PDF-1.7 proof", "proof.pdf"), f"aa/{'a' * 64}-{'b' * 32}")
    thread = world.start(world.payee, attached=[file])
    with unit_of_work(scope_of(world.member)) as session:
        (message,) = queries.messages(session, thread).items
        assert [row.name for row in queries.attached(session, [message.id])[message.id]] == ["proof.pdf"]
    other = people.payee(payees.vendor(world.organization_id, "Other Works"))
    with unit_of_work(scope_of(other)) as session:
        assert queries.attached(session, [message.id]) == {}
    with pytest.raises(Invalid) as refused:
        world.start(world.payee, attached=[file] * 11)
    assert "files" in refused.value.fields


@pytest.mark.parametrize(("subject", "body"), [("", "x"), ("x", " \n "), ("x" * 161, "x"), ("x", "x" * 10_001)])
def test_what_is_no_message_is_refused_beside_its_field(world: World, subject: str, body: str) -> None:
    with pytest.raises(Invalid) as refused:
        world.start(world.payee, subject, body)
    assert set(refused.value.fields) <= {"subject", "body"} and refused.value.fields


def test_text_is_kept_as_written_without_control_signs() -> None:
    assert rules.body_of("One\r\n\r\n  two\x00\x07 \n") == "One\n\n  two"
    assert rules.subject_of("  two\n lines ") == "two lines"
    assert rules.excerpt("a\n" * 200).endswith("…") and len(rules.excerpt("word " * 99)) <= 140


def test_search_finds_words_of_messages_and_subjects_and_beginnings(world: World) -> None:
    thread = world.start(world.payee, "Window graphics", "The façade is 4.20 m wide; 100% vinyl")
    post(world.member, thread, "Please invoice O'Neill & Sons")
    world.start(world.member, "Courier", "Booked")
    for term in ("graphics", "WINDOW gra", "vinyl", "invo", "o'neill", "façade wide"):
        assert listed(world.payee, search=term) == ["Window graphics"], term
    for term in ("elephant", "window courier", "' | zebra:*", "!!", "%"):
        assert listed(world.payee, search=term) == [], term
    other = people.payee(payees.vendor(world.organization_id, "Other Works"))
    assert listed(other, search="vinyl") == []
    with unit_of_work(scope_of(other)) as session:  # not even the ids, asked for directly
        assert session.execute(text("SELECT * FROM search_messages('vinyl')")).all() == []
    with unit_of_work(Scope.public()) as session:
        assert session.execute(text("SELECT * FROM search_messages('vinyl')")).all() == []


def test_ten_messages_in_a_minute_are_one_mail(world: World) -> None:
    thread = world.start(world.payee, body="Message 1")
    for n in range(2, 11):
        post(world.payee, thread, f"Message {n}")
    with unit_of_work(PLATFORM) as session:
        rows = session.scalars(select(OutboxRow).where(OutboxRow.topic == Topic.MESSAGES_UNREAD.value)).all()
        (due_at,) = [row.due_at for row in rows]
    assert timedelta(seconds=30) < due_at - utc_now() <= rules.MAIL_AFTER
    tell_unread(str(thread))
    tell_unread(str(thread))
    (mail,) = mails()
    assert mail.to_address == "manager@oxford.test"
    assert mail.subject == "Lumen Print wrote 10 messages: Window graphics"
    assert mail.context["count"] == 10
    assert [quote["text"] for quote in mail.context["quotes"]] == [f"Message {n}" for n in range(6, 11)]
    assert mail.context["url"].endswith(f"/org/oxford/messages/{thread}#reply")
    post(world.payee, thread, "Message 11")  # after the mail another is promised
    tell_unread(str(thread))
    assert [mail.context["count"] for mail in mails()] == [10, 1]


def test_what_was_read_meanwhile_needs_no_mail(world: World) -> None:
    thread = world.start(world.payee)
    read(world.member, thread, 1)
    tell_unread(str(thread))
    assert mails() == []
    with unit_of_work(PLATFORM) as session:
        assert session.get_one(Thread, thread).mail_due_at is None


def test_a_payee_is_told_with_the_way_into_their_own_portal(world: World) -> None:
    thread = world.start(world.member)
    tell_unread(str(thread))
    (mail,) = mails()
    assert mail.to_address == "lumen@vendor.test" and mail.subject == "Oxford wrote: Window graphics"
    assert mail.context["url"].endswith(f"/vendor/messages/{thread}#reply")


def test_once_somebody_answered_the_others_are_left_alone(world: World) -> None:
    people.member(world.organization_id, Role.OWNER, "owner@oxford.test")
    people.member(world.organization_id, Role.LEARNER, "learner@oxford.test")
    thread = world.start(world.payee)
    tell_unread(str(thread))
    assert {mail.to_address for mail in mails()} == {"manager@oxford.test", "owner@oxford.test"}
    post(world.member, thread, "I take care of it")
    post(world.payee, thread, "Thank you")
    tell_unread(str(thread))
    told = [(mail.to_address, mail.context["count"]) for mail in mails()[2:]]
    assert sorted(told) == [("lumen@vendor.test", 1), ("manager@oxford.test", 1)]


def test_a_creator_writes_to_each_organization_apart(world: World) -> None:
    payee_id = payees.vendor(world.organization_id, "Amara", kind=PayeeKind.CREATOR)
    creator = people.payee(payee_id)
    with unit_of_work(scope_of(creator)) as session:
        service.start(session, creator, world.organization_id, payee_id, subject="Reel", body="Done")
        other = organizations.organization("cambridge")
        with pytest.raises(NotFound):  # nobody is engaged there
            service.start(session, creator, other, payee_id, subject="Reel", body="Done")
    assert listed(creator) == ["Reel"] and Side.PAYEE.value == "payee"


def test_whoever_switched_these_mails_off_gets_none(world: World) -> None:
    with unit_of_work(PLATFORM) as session:
        url = choices.unsubscribe_url("manager@oxford.test", "messages_unread")
        assert url
        choices.unsubscribe(session, url.rsplit("/", 1)[1])
    tell_unread(str(world.start(world.payee)))
    assert mails() == [] and world.unread(world.member) == 1
