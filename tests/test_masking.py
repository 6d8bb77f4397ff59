"""Class-A values stay masked for whoever may only view, on every way around the page that masks them."""

from __future__ import annotations

import pytest
from django.urls import reverse

from orgtree.choices import Role
from orgtree.models import OrgUnit
from tests.factories import grant_make, superuser_make, unit_make, user_make
from tests.pages import Office
from workflows.models import Finding

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


@pytest.mark.parametrize("field", ["personal_number__startswith", "password__startswith"])
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


def test_a_request_shows_class_a_values_to_who_works_on_it_and_masks_them_for_readers(office):
    # given
    submitted = office.submitted(document := office.document(birth_name="Nguyễn Thị Hoa"))
    addresses = [reverse("workflows:request_detail", args=[submitted.pk]), reverse("workflows:request_record", args=[submitted.pk, 0])]
    # when
    shown = {
        who: [document["citizen_id"] in office.client(who).get(address).content.decode() for address in addresses]
        for who in ("clerk", "supervisor", "auditor", "operator")
    }
    # then
    assert shown == {"clerk": [True, True], "supervisor": [True, True], "auditor": [False, False], "operator": [False, False]}


def test_a_finding_on_a_class_a_field_is_masked_as_the_value_is(office):
    # given
    submitted = office.submitted(document := office.document(birth_name="Nguyễn Thị Hoa"))
    Finding.objects.create(request=submitted, leaf_index=0, code="VALUE_FORM", severity="warning", field="citizen_id", value=document["citizen_id"])
    address = reverse("workflows:request_record", args=[submitted.pk, 0])
    # when, then
    assert document["citizen_id"] not in office.client("auditor").get(address).content.decode()


def test_the_records_of_other_units_in_a_request_are_not_shown_to_a_reader_of_one_unit(office):
    # given: a request of the agency about two units, and somebody who may view its agency but not the other one
    both = OrgUnit.objects.get(pk=office.units["agency"].parent_id)
    grant_make(office.users["clerk"], Role.CLERK, both)
    elsewhere = str(office.units["elsewhere"].pk)
    far = office.document(birth_name="Trần Văn Xa", using_unit=elsewhere, managing_agency=elsewhere)
    far["postings"] = [{**row, "unit": elsewhere} for row in far["postings"]]
    staged = office.staged(office.document(birth_name="Nguyễn Thị Hoa"), far)
    one = staged.request
    assert one is not None
    assert not staged.returned
    address = reverse("workflows:request_detail", args=[one.pk])
    # when
    shown = {
        who: [name in office.client(who).get(address).content.decode() for name in ("Nguyễn Thị Hoa", "Trần Văn Xa")] for who in ("clerk", "auditor")
    }
    records = [office.client("auditor").get(reverse("workflows:request_record", args=[one.pk, leaf])).status_code for leaf in (0, 1)]
    # then
    assert shown == {"clerk": [True, True], "auditor": [True, False]}
    assert records == [200, 404]
