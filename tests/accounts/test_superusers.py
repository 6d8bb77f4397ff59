"""Superusers are no exception to four eyes: made, renewed and ended by two people, and never for ever."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, transaction
from django.urls import reverse

from accounts.errors import OwnSuperuser, SuperuserChangeOpen, SuperuserReasonMissing, SuperuserRefused, SuperuserTermInvalid
from accounts.models import SuperuserTerm
from accounts.services.superuser_reminders import superusers_remind
from accounts.services.superusers import (
    superuser_confirm,
    superuser_end_propose,
    superuser_propose,
    superuser_refuse,
    superuser_withdraw,
    superusers_watch,
    terms_now,
)
from orgtree import clock
from tests.factories import superuser_make, user_make
from workflows.errors import WrongState
from workflows.models import AuditEvent, Notice
from workflows.selectors.notices import address_of, text_of
from workflows.services.noticing import notices_make

pytestmark = pytest.mark.django_db
User = get_user_model()


@pytest.fixture
def two(db):
    return superuser_make("an"), superuser_make("binh")


def until(days=100):
    return clock.today() + timedelta(days=days)


def given(two, user, **more):
    term = superuser_propose(actor=two[0], user=user, valid_to=until(), reason="QĐ 12", **more)
    return superuser_confirm(actor=two[1], term_id=term.pk)


def test_one_proposes_another_confirms_and_it_ends_by_itself(two, settings):
    # given
    chi = user_make("chi")
    # when
    term = given(two, chi)
    # then
    chi.refresh_from_db()
    assert (chi.is_superuser, chi.is_staff, term.state) == (True, True, "confirmed")
    assert list(AuditEvent.objects.filter(action__startswith="superuser").order_by("id").values_list("action", "actor__username")) == [
        ("superuser.proposed", "an"),
        ("superuser.given", "binh"),
    ]
    # and on its last day it is over, without anybody
    settings.PINNED_TODAY = until().isoformat()
    superusers_watch()
    chi.refresh_from_db()
    assert (chi.is_superuser, AuditEvent.objects.filter(action="superuser.ended", detail__why="over").count()) == (False, 1)


def test_the_four_eyes_are_those_of_two_people(two):
    an, binh = two
    chi, dung = user_make("chi"), user_make("dung")
    term = superuser_propose(actor=an, user=chi, valid_to=until(), reason="QĐ 12")
    with pytest.raises(OwnSuperuser):
        superuser_confirm(actor=an, term_id=term.pk)
    with pytest.raises(SuperuserRefused):
        superuser_confirm(actor=dung, term_id=term.pk)
    with pytest.raises(SuperuserRefused):
        superuser_propose(actor=dung, user=dung, valid_to=until(), reason="tự xin")
    with pytest.raises(SuperuserChangeOpen):
        superuser_propose(actor=binh, user=chi, valid_to=until(), reason="QĐ 13")
    # the database keeps it as well
    for decider in (an, chi):
        with pytest.raises(IntegrityError), transaction.atomic():
            SuperuserTerm.objects.filter(pk=term.pk).update(state="confirmed", decider=decider)
    superuser_refuse(actor=binh, term_id=term.pk, reason="Chưa có quyết định")
    with pytest.raises(WrongState):
        superuser_confirm(actor=binh, term_id=term.pk)
    # what was proposed by somebody who is no superuser any more comes to nothing
    other = superuser_propose(actor=an, user=chi, valid_to=until(), reason="QĐ 14")
    User.objects.filter(pk=an.pk).update(is_superuser=False)
    with pytest.raises(SuperuserRefused):
        superuser_confirm(actor=binh, term_id=other.pk)


@pytest.mark.parametrize(
    ("days", "reason", "error"), [(0, "x", SuperuserTermInvalid), (4000, "x", SuperuserTermInvalid), (9, " ", SuperuserReasonMissing)]
)
def test_no_term_without_an_end_or_a_reason(two, days, reason, error):
    with pytest.raises(error):
        superuser_propose(actor=two[0], user=user_make("chi"), valid_to=until(days), reason=reason)


def test_ending_takes_two_as_well_and_logs_the_person_out(two):
    chi = user_make("chi")
    given(two, chi)
    chi.refresh_from_db()
    term = superuser_end_propose(actor=two[1], user=chi, reason="Nghỉ việc")
    assert User.objects.get(pk=chi.pk).is_superuser
    superuser_confirm(actor=two[0], term_id=term.pk)
    assert not User.objects.get(pk=chi.pk).is_superuser
    assert not terms_now().filter(user=chi).exists()
    # a proposal can be taken back by who made it
    chi.refresh_from_db()
    again = superuser_propose(actor=two[0], user=chi, valid_to=until(), reason="Trở lại")
    with pytest.raises(SuperuserRefused):
        superuser_withdraw(actor=two[1], term_id=again.pk)
    assert superuser_withdraw(actor=two[0], term_id=again.pk).state == "withdrawn"


def test_a_term_that_ends_is_told_in_time_to_holder_and_others_once_each(two, settings):
    # given a term of another one, and one that is followed by a longer one
    chi, end = user_make("chi"), until()
    given(two, chi)
    for one, other in (two, two[::-1]):
        superuser_confirm(actor=other, term_id=superuser_propose(actor=one, user=one, valid_to=until(300), reason="Gia hạn").pk)
    first = superuser_propose(actor=two[0], user=two[1], valid_to=until(20), reason="Tạm")
    superuser_confirm(actor=superuser_make("dung"), term_id=first.pk)

    def told(days_left):
        settings.PINNED_TODAY = (end - timedelta(days=days_left)).isoformat()
        return superusers_remind(), superusers_remind()

    # when, then: a month, a week and two days before, each once, to all four
    assert [told(31), told(30), told(20), told(7), told(3), told(2), told(1)] == [(0, 0), (4, 0), (0, 0), (4, 0), (0, 0), (4, 0), (0, 0)]
    notice = Notice.objects.filter(user=chi, kind="superuser_ends").latest("id")
    assert "chi" in text_of(notice)
    assert address_of(notice) == reverse("accounts:superusers")
    # and who was given more time is not told any more
    more = superuser_propose(actor=two[0], user=chi, valid_to=clock.today() + timedelta(days=200), reason="Gia hạn")
    superuser_confirm(actor=two[1], term_id=more.pk)
    Notice.objects.all().delete()
    assert superusers_remind() == 0


def test_an_installation_of_two_renews_itself(two):
    for one, other in (two, two[::-1]):
        term = superuser_propose(actor=one, user=one, valid_to=until(), reason="Gia hạn")
        superuser_confirm(actor=other, term_id=term.pk)
    assert superusers_watch() == (0, 0)


def test_rights_that_the_shell_gave_are_found_told_and_end(two, settings):
    # given
    settings.BREAK_GLASS_HOURS = 72
    an, binh = two
    given((an, binh), user_make("chi"))
    notices_make()
    # when the watch comes by: an and binh were made by nobody
    assert superusers_watch() == (0, 2)
    assert superusers_watch() == (0, 0)
    # then everybody is told, and it is in the trail
    notices_make()
    assert set(Notice.objects.filter(kind="break_glass").values_list("user__username", flat=True)) == {"an", "binh", "chi"}
    assert AuditEvent.objects.filter(action="superuser.break_glass").count() == 2


def test_emergency_rights_end_by_themselves_and_are_found_again(two, settings):
    settings.BREAK_GLASS_HOURS = 0  # over at once
    an, _binh = two
    chi = user_make("chi")
    given(two, chi)
    assert superusers_watch() == (0, 2)
    # what two people confirmed stays
    assert superusers_watch() == (2, 0)
    assert set(User.objects.filter(is_superuser=True)) == {chi}
    # who is made one again in the shell is found again
    User.objects.filter(pk=an.pk).update(is_superuser=True)
    assert superusers_watch() == (0, 1)


def test_a_term_is_never_altered_nor_removed(two):
    term = given(two, user_make("chi"))
    for deed in (
        lambda: SuperuserTerm.objects.filter(pk=term.pk).update(valid_to=until(700)),
        lambda: SuperuserTerm.objects.filter(pk=term.pk).update(state="refused"),
        lambda: SuperuserTerm.objects.filter(pk=term.pk).delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            deed()


def test_breaking_the_glass_says_why(two, capsys):
    user_make("chi")
    call_command("break_glass", "--username", "chi", "--reason", "Cả hai quản trị vắng mặt")
    assert "until" in capsys.readouterr().out
    assert User.objects.get(username="chi").is_superuser
    assert AuditEvent.objects.get(action="superuser.break_glass").detail["reason"] == "Cả hai quản trị vắng mặt"


def test_the_page_leads_through_both_steps(client, two):
    an, binh = two
    chi = user_make("chi")
    client.force_login(an)
    there = reverse("accounts:superusers")
    missing = client.post(reverse("accounts:superuser_propose"), {"username": "nobody", "reason": "x", "valid_to": until().isoformat()})
    assert missing.status_code == 422
    answer = client.post(reverse("accounts:superuser_propose"), {"username": "chi", "reason": "QĐ 12", "valid_to": until().isoformat()})
    assert answer.url == there
    term = SuperuserTerm.objects.get(user=chi)
    assert client.post(reverse("accounts:superuser_confirm", args=[term.pk])).status_code == 422
    client.force_login(binh)
    assert "chi" in client.get(there).content.decode()
    assert client.post(reverse("accounts:superuser_confirm", args=[term.pk])).url == there
    assert User.objects.get(pk=chi.pk).is_superuser
