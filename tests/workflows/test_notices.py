"""Who is told what, once: notices follow from the audit trail, and e-mails from notices."""

import os
import re
import signal
import smtplib
import time
from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.db import connection
from django.urls import reverse
from django.utils import translation

from orgtree import clock
from orgtree.choices import Role
from tests.factories import grant_make, user_make
from tests.pages import Office
from tests.workflows.test_routing import CHECK, SIGN, in_force
from workflows.choices import MailState, MailWish, NoticeKind, ReturnReason
from workflows.models import AuditEvent, Notice, NoticeMail, NoticeMark, NoticeWish, StageTerm
from workflows.selectors.notices import TEXTS, text_of, unread_count
from workflows.services import noticing
from workflows.services.approval import manifest_prepare, request_approve, request_return
from workflows.services.grants import grant_change_confirm, grant_propose
from workflows.services.mailing import mail_retry, mails_form, mails_send
from workflows.services.noticing import notices_make
from workflows.services.reminders import reminders_make
from workflows.services.reviewing import row_return
from workflows.services.submission import request_withdraw


@pytest.fixture(scope="module")
def office(committed_db):
    office = Office.open()
    for name in ("clerk", "supervisor"):
        office.users[name].email = f"{name}@example.vn"
        office.users[name].save()
    return office


@pytest.fixture(autouse=True)
def _fresh(office):
    """Each test hears only of its own deeds."""
    notices_make()
    Notice.objects.all().delete()
    NoticeMail.objects.all().delete()
    NoticeWish.objects.all().delete()


def told(office, who):
    return list(Notice.objects.filter(user=office.users[who]).order_by("pk").values_list("kind", flat=True))


def morning(settings, monkeypatch, hour=8, day=None):
    moment = datetime.combine(day or clock.today(), datetime.min.time(), clock.ZONE).replace(hour=hour)
    monkeypatch.setattr(clock, "now", lambda: moment)


def test_deciders_hear_that_a_request_waits_and_its_author_hears_nothing_of_it(office):
    request = office.submitted(office.document(), office.document())

    assert notices_make() == 1

    one = Notice.objects.get()
    assert (one.user, one.kind, one.request, one.detail["count"]) == (office.users["supervisor"], NoticeKind.WAITING, request, 2)
    with translation.override("vi"):
        assert text_of(one) == f"Đề nghị số {request.number}, Ủy ban nhân dân phường Buôn Ma Thuột, chờ bạn phê duyệt (2 hồ sơ)."


def test_nobody_is_told_twice_however_often_it_runs(office):
    office.submitted(office.document())
    for _ in range(3):
        notices_make()
        reminders_make()
    NoticeMark.objects.update(event_id=0)  # the whole trail once more
    notices_make()

    assert (
        told(office, "supervisor").count("waiting")
        == Notice.objects.filter(user=office.users["supervisor"], kind="waiting").values("request").distinct().count()
    )


def test_what_was_cut_off_half_way_is_told_whole_and_once(office, monkeypatch):
    requests = [office.submitted(office.document()) for _ in range(3)]
    real, calls = noticing._told, []

    def cut_off(event):
        calls.append(event)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(event)

    monkeypatch.setattr(noticing, "_told", cut_off)
    with pytest.raises(KeyboardInterrupt):
        notices_make()
    assert not Notice.objects.exists()
    monkeypatch.undo()
    notices_make()

    assert sorted(Notice.objects.values_list("request", flat=True)) == sorted(one.pk for one in requests)


def test_an_event_that_tells_nothing_sensible_keeps_nobody_elses(office, caplog):
    AuditEvent.objects.create(action="delegation.given", unit=office.units["agency"], detail={"giver": "x"})
    office.submitted(office.document())

    notices_make()

    assert told(office, "supervisor") == ["waiting"]
    assert "no notice of audit event" in caplog.text


def test_a_return_is_told_to_its_author(office):
    request = office.submitted(office.document())
    request_return(actor=office.users["supervisor"], request_id=request.pk, reason="Thiếu quyết định")
    notices_make()
    assert told(office, "clerk") == ["returned"]


def test_records_given_back_are_one_digest_to_the_author(office):
    with in_force({"kind": "staff_profile", "steps": [{**CHECK, "action": "approve"}, SIGN]}):
        request = office.submitted(*(office.document() for _ in range(6)))
    for leaf in range(4):
        row_return(actor=office.users["supervisor"], request_id=request.pk, leaf_index=leaf, reason=ReturnReason.VALUE)
    manifest = manifest_prepare(actor=office.users["supervisor"], request_id=request.pk)
    request_approve(actor=office.users["supervisor"], manifest_digest=bytes(manifest.digest))

    notices_make()

    one = Notice.objects.get(user=office.users["clerk"], kind="rows_returned")
    assert one.detail == {"count": 4}
    assert Notice.objects.filter(kind="nobody", request=request).exists()  # the only supervisor has spoken: nobody is left for the second stage


def test_grants_are_told_to_who_confirms_them_and_what_came_of_it_to_the_others(office):
    an, binh, new = (user_make() for _ in range(3))
    for one in (an, binh):
        grant_make(one, Role.ADMINISTRATOR, office.units["office"])
    change = grant_propose(
        actor=an, user=new, role=Role.CLERK, unit=office.units["office"], valid_from=clock.today(), valid_to=clock.today() + timedelta(9), reason="x"
    )
    notices_make()
    assert list(Notice.objects.values_list("user", "kind")) == [(binh.pk, "grant_waiting")]

    grant_change_confirm(actor=binh, change_id=change.pk)
    notices_make()

    assert set(Notice.objects.values_list("user", "kind")) == {(binh.pk, "grant_waiting"), (new.pk, "grant_given"), (an.pk, "grant_decided")}


def test_grants_that_end_are_told_a_month_and_a_week_ahead(office, settings):
    an, one, other = (user_make() for _ in range(3))
    grant_make(an, Role.ADMINISTRATOR, office.units["office"], days=(-5, 300))
    ending = grant_make(one, Role.CLERK, office.units["office"], days=(-5, 20))
    followed = grant_make(other, Role.CLERK, office.units["office"], days=(-5, 20))
    grant_make(other, Role.CLERK, office.units["office"], days=(20, 90))

    for offset in (0, 1, 14, 15):
        settings.PINNED_TODAY = clock.today() if offset == 0 else ending.valid_to - timedelta(20 - offset)
        reminders_make()

    told_of = Notice.objects.filter(key__startswith=f"grant_ends:{ending.pk}:", user__in=[an, one, other])
    assert sorted(told_of.values_list("user", "key")) == sorted((user.pk, f"grant_ends:{ending.pk}:{days}") for user in (an, one) for days in (30, 7))
    assert not Notice.objects.filter(key__startswith=f"grant_ends:{followed.pk}:").exists()


def test_half_time_the_deadline_and_twice_the_term_are_told_in_working_days(office, settings):
    boss = user_make()
    with in_force({"kind": "staff_profile", "steps": [{**SIGN, "days": 4}]}):
        request = office.submitted(office.document())
    notices_make()
    grant_make(boss, Role.SUPERVISOR, office.units["agency"].parent)
    term = StageTerm.objects.get(stage__request=request)
    begin = term.opened_at.astimezone(clock.ZONE).date()
    assert begin < term.half_on < term.due_on < term.above_on

    heard = {}
    for day in (term.half_on - timedelta(1), term.half_on, term.due_on, term.due_on + timedelta(1), term.above_on + timedelta(1)):
        settings.PINNED_TODAY = day
        reminders_make()
        heard[day] = sorted(set(Notice.objects.filter(request=request).exclude(kind="waiting").values_list("user__username", "kind")))
    days = list(heard)

    half = [(boss.username, "half_time"), ("supervisor", "half_time")]
    late = [(boss.username, "overdue"), ("clerk", "overdue"), ("supervisor", "overdue")]
    assert heard[days[0]] == []
    assert heard[days[1]] == heard[days[2]] == sorted(half)
    assert heard[days[3]] == sorted(half + late)
    assert heard[days[4]] == sorted([*half, *late, (boss.username, "overdue_below")])


def test_what_was_decided_or_withdrawn_is_not_brought_to_mind(office, settings):
    with in_force({"kind": "staff_profile", "steps": [{**SIGN, "days": 2}]}):
        request = office.submitted(office.document())
    notices_make()
    request_withdraw(actor=office.users["clerk"], request_id=request.pk)
    settings.PINNED_TODAY = clock.today() + timedelta(60)

    reminders_make()

    assert not Notice.objects.filter(request=request, kind__in=["half_time", "overdue"]).exists()


def test_the_bell_counts_and_following_a_notice_reads_it(office):
    request = office.submitted(office.document())
    client = office.client("supervisor")
    assert unread_count(office.users["supervisor"]) == 0
    notices_make()

    page = client.get(reverse("workflows:notices")).content.decode()
    assert "hs-bell-count" in page
    assert str(request.number) in page
    one = Notice.objects.get(user=office.users["supervisor"])
    assert client.get(reverse("workflows:notice_follow", args=[one.pk])).url == reverse("workflows:request_detail", args=[request.pk])

    assert unread_count(office.users["supervisor"]) == 0
    assert "hs-bell-count" not in client.get(reverse("workflows:notices")).content.decode()
    assert office.client("clerk").get(reverse("workflows:notice_follow", args=[one.pk])).status_code == 404
    client.post(reverse("workflows:notices_read"), {"new": one.pk})
    assert unread_count(office.users["supervisor"]) == 1
    client.post(reverse("workflows:notices_read"))
    assert unread_count(office.users["supervisor"]) == 0


# --- e-mail ---------------------------------------------------------------------------------------------------------------------------


def test_a_digest_goes_out_once_a_working_day_without_anybodys_data(office, settings, monkeypatch):
    document = office.document(birth_name="Trần Thị Bí Mật")
    request = office.submitted(document, title="Nâng lương Trần Thị Bí Mật")
    notices_make()
    morning(settings, monkeypatch)

    assert mails_form() == 1
    assert mails_send() == 1
    assert mails_form() == mails_send() == 0
    office.submitted(office.document())
    notices_make()
    assert mails_form() == 0  # today's digest is out

    (message,) = mail.outbox
    assert message.to == ["supervisor@example.vn"]
    assert f"số {request.number}" in message.body
    assert f"no. {request.number}" in message.body
    for secret in ("Bí Mật", document["citizen_id"], "Nguyễn Văn"):
        assert secret not in message.subject + message.body
    assert not re.search(r"\d{9,}", message.body)


@pytest.mark.parametrize(("hour", "weekday"), [(6, 0), (8, 5), (8, 6)], ids=["before seven", "on a Saturday", "on a Sunday"])
def test_no_digest_outside_working_hours(office, settings, monkeypatch, hour, weekday):
    office.submitted(office.document())
    notices_make()
    settings.PINNED_TODAY = clock.today() + timedelta(7 - clock.today().weekday() + weekday)
    morning(settings, monkeypatch, hour=hour)
    assert mails_form() == 0


def test_who_wishes_hears_at_once_what_waits_and_who_does_not_hears_nothing(office, settings, monkeypatch):
    for name, wish in (("supervisor", "at_once"), ("clerk", "none")):
        assert office.client(name).post(reverse("workflows:notice_wish"), {"mail": wish}).status_code == 302
    request = office.submitted(office.document())
    request_return(actor=office.users["supervisor"], request_id=office.submitted(office.document()).pk, reason="x")
    notices_make()
    morning(settings, monkeypatch, hour=5)

    mails_form()
    mails_send()

    assert [message.to for message in mail.outbox] == [["supervisor@example.vn"]]
    assert f"số {request.number}" in mail.outbox[0].body
    assert NoticeWish.objects.get(user=office.users["clerk"]).mail == MailWish.NONE


def test_what_was_read_meanwhile_is_not_sent(office, settings, monkeypatch):
    office.submitted(office.document())
    notices_make()
    morning(settings, monkeypatch)
    mails_form()
    office.client("supervisor").post(reverse("workflows:notices_read"))

    assert mails_send() == 0

    assert mail.outbox == []
    assert NoticeMail.objects.get().state == MailState.SENT


@pytest.mark.parametrize(
    ("error", "parked", "cause"),
    [
        (ConnectionRefusedError("10.0.0.1"), False, "ConnectionRefusedError"),
        (smtplib.SMTPResponseException(451, b"try later"), False, "SMTPResponseException 451"),
        (smtplib.SMTPResponseException(550, b"no"), True, "SMTPResponseException 550"),
        (smtplib.SMTPRecipientsRefused({"supervisor@example.vn": (550, b"unknown")}), True, "address refused 550"),
        (smtplib.SMTPRecipientsRefused({"supervisor@example.vn": (450, b"full")}), False, "address refused 450"),
    ],
    ids=["away", "later", "never", "no such address", "mailbox full"],
)
def test_a_failure_is_tried_again_or_shown_to_operators(office, settings, monkeypatch, error, parked, cause):
    office.submitted(office.document())
    notices_make()
    morning(settings, monkeypatch)
    mails_form()

    def fail(self, messages):
        raise error

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", fail)
    assert mails_send() == 0
    one = NoticeMail.objects.get()
    assert (one.state == MailState.PARKED, one.attempts, one.error) == (parked, 1, cause)
    assert mails_send() == 0  # not before its time
    assert NoticeMail.objects.get().attempts == 1

    page = office.client("operator").get(reverse("workflows:notice_mails")).content.decode()
    assert cause in page
    assert "example.vn" not in page
    assert office.client("clerk").get(reverse("workflows:notice_mails")).status_code == 404


def test_a_message_is_given_up_after_eight_tries_and_an_operator_sends_it_again(office, settings, monkeypatch):
    office.submitted(office.document())
    notices_make()
    morning(settings, monkeypatch)
    mails_form()
    with monkeypatch.context() as broken:
        broken.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", lambda *_: (_ for _ in ()).throw(OSError))
        for _ in range(9):
            NoticeMail.objects.update(not_before=clock.now())
            mails_send()
    one = NoticeMail.objects.get()
    assert (one.state, one.attempts) == (MailState.PARKED, 8)

    assert office.client("clerk").post(reverse("workflows:notice_mail_retry", args=[one.pk])).status_code == 404
    mail_retry(actor=office.users["operator"], mail_id=one.pk)
    assert mails_send() == 1
    assert [message.extra_headers["Message-ID"] for message in mail.outbox] == [f"<{one.pk}@localhost>"]


def test_a_worker_killed_while_sending_leaves_the_message_to_the_next_one(office, monkeypatch):
    office.submitted(office.document())
    notices_make()
    Notice.objects.update(mail=NoticeMail.objects.create(user=office.users["supervisor"], key="digest:killed"))
    worker = forked(lambda: hang_in_sending(monkeypatch))
    try:
        until = time.monotonic() + 60
        while NoticeMail.objects.get().attempts == 0:
            assert time.monotonic() < until
            time.sleep(0.02)
    finally:
        os.kill(worker, signal.SIGKILL)
        os.waitpid(worker, 0)

    assert mails_send() == 0  # it may still be on its way
    later = clock.now() + timedelta(minutes=3)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert mails_send() == 1

    one = NoticeMail.objects.get()
    assert (one.state, one.attempts, len(mail.outbox)) == (MailState.SENT, 2, 1)


def hang_in_sending(monkeypatch):
    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", lambda *_: signal.pause())
    mails_send()


def forked(work):
    """A worker's process, with a connection of its own; the parent's is left alone (kept, so that nobody closes it)."""
    pid = os.fork()
    if pid:
        return pid
    kept = connection.connection
    connection.connection = None
    try:
        work()
    finally:
        os._exit(1 if kept else 2)


@pytest.mark.parametrize("kind", NoticeKind)
@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_kind_has_a_text_that_can_be_made_of_anything(office, kind, language):
    bare = Notice(user=office.users["clerk"], kind=kind)
    full = Notice(
        user=office.users["clerk"],
        kind=kind,
        unit=office.units["agency"],
        detail={"count": 3, "due": "2026-10-20", "from": "2026-10-01", "to": "2026-10-20", "decision": "12", "role": "clerk", "state": "refused"},
    )
    with translation.override(language):
        assert text_of(bare)
        assert "%(" not in text_of(full)
        of_no_unit = {NoticeKind.ACCOUNT, NoticeKind.BREAK_GLASS, NoticeKind.SUPERUSER_WAITING, NoticeKind.TRANSFER, NoticeKind.CLAIM}
        of_no_unit |= {NoticeKind.SUPERUSER_ENDS, NoticeKind.CERTIFICATE_WAITING, NoticeKind.NUMBER_WAITING, NoticeKind.CATALOGUE}
        assert kind in of_no_unit or "Ủy ban nhân dân phường Buôn Ma Thuột" in text_of(full)
    assert set(TEXTS) == set(NoticeKind.values)
