"""The exchange in the admin: who sees it, who sets a channel, and sending again."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from exchange.models import Channel, Delivery
from orgtree.choices import Role
from orgtree.models import OrgUnit
from tests.exchange.office import PaperHub, once, refuse, state_of
from tests.factories import grant_make, user_make

PAGES = ("channel", "batch", "delivery")


def browser(user):
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def people(office, sender):
    root = OrgUnit.objects.get(pk=sender.root)
    operator, clerk = user_make(is_staff=True), user_make(is_staff=True)
    grant_make(operator, Role.OPERATOR, root)
    grant_make(clerk, Role.CLERK, root)
    return {"operator": operator, "clerk": clerk, "superuser": office.approver}


@pytest.mark.parametrize("name", PAGES)
def test_operators_see_the_lists_and_clerks_do_not(people, channel, office, sender, name):
    office.apply(sender.person())
    once(channel, PaperHub())
    url = reverse(f"admin:exchange_{name}_changelist")
    answers = {role: browser(user).get(url).status_code for role, user in people.items()}
    assert answers == {"operator": 200, "clerk": 403, "superuser": 200}


def test_the_attempts_of_a_batch_are_shown(people, channel, office, sender):
    office.apply(sender.person())
    once(channel, PaperHub())
    batch = channel.batches.get()
    page = browser(people["operator"]).get(reverse("admin:exchange_batch_change", args=[batch.pk]))
    assert page.status_code == 200
    assert batch.attempts.count() == 2


def test_a_channel_is_set_by_a_superuser_through_the_service(people, settings):
    url = reverse("admin:exchange_channel_add")
    form = {"code": "by-hand", "name": "Nền tảng", "base_url": "https://hub.example.vn", "client_id": "x", "timeout_seconds": 20, "batch_size": 50}
    form |= {"transport": "direct", "transport_options": "{}"}
    assert browser(people["operator"]).post(url, form).status_code == 403
    assert browser(people["superuser"]).post(url, form).status_code == 302
    made = Channel.objects.get(code="by-hand")
    assert (made.batch_size, made.active) == (50, False)


def test_sending_again_from_the_list(people, channel, office, sender):
    change = sender.person()
    office.apply(change)
    once(channel, PaperHub(judge=refuse()))
    refused = state_of(channel, change)
    form = {"action": "send_again", "_selected_action": [refused.pk]}
    answer = browser(people["operator"]).post(reverse("admin:exchange_delivery_changelist"), form, follow=True)
    assert answer.status_code == 200
    refused.refresh_from_db()
    # the operator's right is on the installation's top unit, H15
    assert (refused.state, refused.round) == ("waiting", 1)


def test_nothing_else_is_written_in_the_admin(people, channel):
    for model in (Delivery, type(channel)):
        page = admin.site._registry[model]
        request = type("Request", (), {"user": people["superuser"]})()
        assert not page.has_delete_permission(request)
    assert not admin.site._registry[Delivery].has_change_permission(request)
