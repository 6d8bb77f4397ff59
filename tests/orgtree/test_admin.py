"""Accounts, grants, units and areas in the admin's shell."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from orgtree.choices import Role
from orgtree.models import Area, OrgUnit, User
from orgtree.services.areas import areas_load
from tests.factories import grant_make, superuser_make, unit_make, user_make


@pytest.fixture
def office(db):
    root = unit_make("Tỉnh Đắk Lắk", code="H15")
    unit_make("Xã Ea Knốp", parent=root, code="H15.50")
    return unit_make("Sở Nội vụ", parent=root, code="H15.02")


@pytest.fixture
def administrator(office, client):
    """Logged in; gives grants in the office."""
    user = user_make("quantri", is_staff=True)
    grant_make(user, Role.ADMINISTRATOR, office)
    client.force_login(user)
    return user


@pytest.fixture
def chief(db, client):
    user = superuser_make("chief")
    client.force_login(user)
    return user


@pytest.mark.parametrize("model", ["user", "orgunit", "area"])
def test_every_list_and_record_opens(chief, office, client, model):
    areas_load()
    record = {"user": User, "orgunit": OrgUnit, "area": Area}[model].objects.first()

    assert client.get(reverse(f"admin:orgtree_{model}_changelist"), {"q": "ea knop"}).status_code == 200
    assert client.get(reverse(f"admin:orgtree_{model}_change", args=[record.pk])).status_code == 200


def test_units_are_read_only_and_listed_by_scope(administrator, office, client):
    province = OrgUnit.objects.get(code="H15")

    listed = client.get(reverse("admin:orgtree_orgunit_changelist")).context["cl"].queryset

    assert set(listed) == {office}
    assert client.get(reverse("admin:orgtree_orgunit_change", args=[office.pk])).status_code == 200
    assert client.get(reverse("admin:orgtree_orgunit_change", args=[province.pk])).status_code == 302  # not found: back to the list
    assert client.post(reverse("admin:orgtree_orgunit_change", args=[office.pk]), {"name": "Khác"}).status_code == 403
    assert client.get(reverse("admin:orgtree_orgunit_add")).status_code == 403
    assert client.post(reverse("admin:orgtree_orgunit_delete", args=[office.pk])).status_code == 403


def test_a_clerk_reaches_no_accounts(office, client):
    clerk = user_make()
    grant_make(clerk, Role.CLERK, office)
    client.force_login(clerk)

    for page in ("user_changelist", "user_add"):
        assert client.get(reverse(f"admin:orgtree_{page}")).status_code == 403


def test_who_gives_grants_finds_people_by_the_list_but_does_not_open_accounts(administrator, client):
    other = user_make("other")

    assert client.get(reverse("admin:orgtree_user_changelist")).status_code == 200
    assert client.get(reverse("admin:orgtree_user_change", args=[other.pk])).status_code == 403
    assert (
        client.get(reverse("admin:orgtree_user_password_change" if False else "admin:auth_user_password_change", args=[other.pk])).status_code == 403
    )


def test_only_a_superuser_touches_what_lets_one_person_act_as_another(office, client):
    helper, other, chief = user_make("helper", is_staff=True), user_make("other"), superuser_make("chief")
    helper.user_permissions.set(Permission.objects.filter(codename__in=("change_user", "view_user"), content_type__app_label="orgtree"))
    client.force_login(helper)
    forged = {"username": "other", "last_name": "Lê", "first_name": "An", "is_active": "on", "is_superuser": "on", "personal_number": "066090000001"}

    assert client.post(reverse("admin:orgtree_user_change", args=[other.pk]), forged).status_code == 302
    other.refresh_from_db()
    assert (other.last_name, other.is_superuser, other.personal_number) == ("Lê", False, None)
    assert client.post(reverse("admin:orgtree_user_change", args=[chief.pk]), forged).status_code == 403


def test_an_account_is_made_without_a_number_and_never_deleted(chief, client):
    for name in ("first", "second"):  # two empty numbers are no duplicate
        made = {"username": name, "usable_password": "true", "password1": "đúng-đủ-sạch-sống", "password2": "đúng-đủ-sạch-sống"}
        assert client.post(reverse("admin:orgtree_user_add"), made).status_code == 302
        user = User.objects.get(username=name)
        changed = {"username": name, "last_name": "Lê", "first_name": "An", "is_active": "on", "personal_number": ""}
        assert client.post(reverse("admin:orgtree_user_change", args=[user.pk]), changed).status_code == 302
        user.refresh_from_db()
        assert (user.personal_number, user.display_name) == (None, "Lê An")
        assert client.post(reverse("admin:orgtree_user_delete", args=[user.pk]), {"post": "yes"}).status_code == 403
