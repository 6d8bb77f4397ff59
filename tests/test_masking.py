"""Class-A values stay masked for whoever may only view, on every way around the page that masks them."""

from __future__ import annotations

import pytest
from django.urls import reverse

from orgtree.choices import Role
from tests.factories import grant_make, superuser_make, unit_make, user_make
from tests.pages import Office

pytestmark = pytest.mark.django_db
PEOPLE, ACCOUNTS = "admin:registry_staffprofile_changelist", "admin:orgtree_user_changelist"


@pytest.fixture
def office() -> Office:
    return Office.open()


@pytest.mark.parametrize("field", ["citizen_id", "citizen_id__startswith", "religion__isnull", "using_unit__name__contains"])
def test_a_list_of_people_cannot_be_asked_for_values_it_masks(office, field):
    # given
    hoa = office.hired(birth_name="Nguyễn Thị Hoa")
    # when: a lookup in the address would tell digit by digit what the column hides
    answer = office.client("auditor").get(reverse(PEOPLE), {field: hoa.citizen_id[:3]})
    # then
    assert answer.status_code == 400


def test_a_list_of_people_is_still_filtered_by_what_it_offers(office):
    # given
    hoa = office.hired(birth_name="Nguyễn Thị Hoa")
    # when, then
    assert "Nguyễn Thị Hoa" in office.client("auditor").get(reverse(PEOPLE), {"personnel_type__exact": hoa.personnel_type}).content.decode()
    assert "Nguyễn Thị Hoa" not in office.client("auditor").get(reverse(PEOPLE), {"personnel_type__exact": "x"}).content.decode()


@pytest.mark.parametrize("field", ["personal_number__startswith", "certificate_fingerprint__startswith", "password__startswith"])
def test_who_gives_grants_cannot_ask_the_accounts_for_numbers(client, field):
    # given
    giver = user_make("can-bo")
    grant_make(giver, Role.ADMINISTRATOR, unit_make())
    superuser_make("an", personal_number="066075001234")
    client.force_login(giver)
    # when
    answer = client.get(reverse(ACCOUNTS), {field: "0660"})
    # then
    assert answer.status_code == 400
    assert client.get(reverse(ACCOUNTS), {"is_active__exact": "1"}).status_code == 200
