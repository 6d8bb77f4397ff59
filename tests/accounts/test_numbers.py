"""Whose account it is takes two superusers: the personal number decides whose certificate signs, and nobody types it alone."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.errors import NumberChangeOpen, NumberInvalid, NumberReasonMissing, NumberRefused, NumberSame, NumberTaken, OwnNumber
from accounts.models import NumberChange
from accounts.services.numbers import number_confirm, number_propose, number_refuse, number_withdraw, numbers_lapse
from tests.factories import superuser_make, user_make
from workflows.errors import WrongState
from workflows.models import AuditEvent, Notice
from workflows.selectors.notices import address_of, text_of
from workflows.services.noticing import notices_make

pytestmark = pytest.mark.django_db
User = get_user_model()
NUMBER = "066185000901"


@pytest.fixture
def two(db):
    return superuser_make("an-so"), superuser_make("binh-so")


@pytest.fixture
def lan(db):
    return user_make("lan-so")


def number_of(user):
    return User.objects.get(pk=user.pk).personal_number


def proposed(two, user, number=NUMBER, reason="Đã đối chiếu thẻ căn cước"):
    return number_propose(actor=two[0], user=user, number=number, reason=reason)


def test_one_proposes_another_confirms_and_the_owner_hears_of_it(two, lan):
    # given a proposal as somebody types it
    change = proposed(two, lan, "066 185 000 901")
    assert number_of(lan) is None
    # when another superuser confirms it
    number_confirm(actor=two[1], change_id=change.pk)
    # then the account has the number, both are named in the trail, and the number is not
    assert number_of(lan) == NUMBER
    events = AuditEvent.objects.filter(action__startswith="account.number").order_by("id")
    assert list(events.values_list("action", "actor")) == [("account.number_proposed", two[0].pk), ("account.number_changed", two[1].pk)]
    assert not any(NUMBER in str(one.detail) for one in events)
    notices_make()
    waiting, told = Notice.objects.get(user=two[1], kind="number_waiting"), Notice.objects.get(user=lan, kind="account")
    assert address_of(waiting) == reverse("accounts:person", args=[lan.pk]) + "#number"
    assert "lan-so" in text_of(waiting)
    assert text_of(told)
    assert not Notice.objects.filter(user=two[0], kind="number_waiting").exists()


def test_the_four_eyes_are_those_of_two_superusers(two, lan):
    an, binh = two
    change = proposed(two, lan)
    with pytest.raises(OwnNumber):
        number_confirm(actor=an, change_id=change.pk)
    for act in (number_confirm, number_withdraw):
        with pytest.raises(NumberRefused):
            act(actor=lan, change_id=change.pk)
    with pytest.raises(NumberRefused):
        proposed((lan, binh), lan)
    with pytest.raises(NumberChangeOpen):
        proposed((binh, an), lan, "066185000902")
    # nor is the decider the one whose account it is
    own = proposed(two, binh, "066185000903")
    with pytest.raises(OwnNumber):
        number_confirm(actor=binh, change_id=own.pk)
    # the database keeps it as well
    for decider in (an, lan):
        with pytest.raises(IntegrityError), transaction.atomic():
            NumberChange.objects.filter(pk=change.pk).update(state="confirmed", decider=decider)
    for altered in ({"number": "066185000999"}, {"reason": "x"}):
        with pytest.raises(DatabaseError), transaction.atomic():
            NumberChange.objects.filter(pk=change.pk).update(**altered)
    # what was proposed by somebody who is no superuser any more comes to nothing
    User.objects.filter(pk=an.pk).update(is_superuser=False)
    with pytest.raises(NumberRefused):
        number_confirm(actor=binh, change_id=change.pk)
    assert number_of(lan) is None


@pytest.mark.parametrize(
    ("number", "reason", "error"),
    [
        ("06618500090", "x", NumberInvalid),
        ("0661850009011", "x", NumberInvalid),
        ("０66185000901", "x", NumberInvalid),
        ("", "x", NumberInvalid),
        (NUMBER, " ", NumberReasonMissing),
        ("066185000777", "x", NumberTaken),
    ],
)
def test_what_is_no_number(two, lan, number, reason, error):
    user_make("other-so", personal_number="066185000777")
    with pytest.raises(error):
        proposed(two, lan, number, reason)


def test_a_number_is_taken_away_by_two_as_well(two):
    owner = user_make("owner-so", personal_number=NUMBER)
    with pytest.raises(NumberSame):
        proposed(two, owner)
    change = proposed(two, owner, "", "Nhập nhầm tài khoản")
    number_confirm(actor=two[1], change_id=change.pk)
    assert number_of(owner) is None


def test_a_number_that_somebody_has_meanwhile_is_not_given_twice(two, lan):
    change = proposed(two, lan)
    user_make("quicker-so", personal_number=NUMBER)
    with pytest.raises(NumberTaken):
        number_confirm(actor=two[1], change_id=change.pk)
    change.refresh_from_db()
    assert (number_of(lan), change.state) == (None, "proposed")


def test_it_is_refused_withdrawn_or_lapses(two, lan):
    refused = proposed(two, lan)
    with pytest.raises(NumberReasonMissing):
        number_refuse(actor=two[1], change_id=refused.pk, reason=" ")
    number_refuse(actor=two[1], change_id=refused.pk, reason="Khác thẻ căn cước")
    with pytest.raises(WrongState):
        number_confirm(actor=two[1], change_id=refused.pk)
    with pytest.raises(DatabaseError), transaction.atomic():
        NumberChange.objects.filter(pk=refused.pk).update(state="confirmed", decider=two[1])
    number_withdraw(actor=two[0], change_id=proposed(two, lan).pk)
    old = NumberChange.objects.create(user=lan, number=NUMBER, reason="x", proposer=two[0], proposed_at=refused.proposed_at - timedelta(days=31))
    assert (numbers_lapse(), numbers_lapse()) == (1, 0)
    old.refresh_from_db()
    assert (old.state, number_of(lan)) == ("lapsed", None)


def test_the_form_of_the_admin_types_no_number(two, lan):
    client = Client()
    client.force_login(two[0])
    form = client.get(reverse("admin:orgtree_user_change", args=[lan.pk]))
    assert (form.status_code, "personal_number" in form.context["adminform"].form.fields) == (200, False)
    sent = {"username": lan.username, "last_name": "Lê", "first_name": "Lan", "is_active": "on", "personal_number": NUMBER}
    assert client.post(reverse("admin:orgtree_user_change", args=[lan.pk]), sent).status_code == 302
    assert number_of(lan) is None


def test_the_page_of_an_account_carries_it_through(two, lan):
    an, binh = Client(), Client()
    an.force_login(two[0])
    binh.force_login(two[1])
    page, person = reverse("accounts:number_propose", args=[lan.pk]), reverse("accounts:person", args=[lan.pk])
    assert an.post(page, {"number": "12", "reason": "x"}, follow=True).status_code == 200
    assert not NumberChange.objects.exists()
    assert an.post(page, {"number": NUMBER, "reason": "Thẻ căn cước"}).headers["Location"] == f"{person}#number"
    change = NumberChange.objects.get()
    assert an.get(person).context["number_open"] == change
    with CaptureQueriesContext(connection) as asked:
        assert binh.get(person).status_code == 200
    assert len(asked) <= 12
    assert binh.post(reverse("accounts:number_confirm", args=[change.pk])).status_code == 302
    assert number_of(lan) == NUMBER
