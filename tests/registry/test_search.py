"""One box that finds people by name with accents or without, with a slip, by number and decision; units and areas by old names."""

from __future__ import annotations

import unicodedata

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from orgtree.choices import Role
from orgtree.models import Area, AreaSuccession, OrgUnit
from orgtree.text import words
from registry.models import FormerUnitName, StaffProfile
from registry.selectors.places import areas_found, units_found
from registry.selectors.staff import StaffFilter, citizen_number, staff_by_number, staff_page
from registry.selectors.words import slips
from registry.services.words import words_add
from tests.factories import grant_make, user_make
from tests.pages import Office
from tests.registry.people import TODAY, live_make, person, places, posting

LIST, FIND = "registry:staff_list", "registry:staff_find"


@pytest.fixture
def units(db, settings):
    settings.PINNED_TODAY = TODAY
    return places()


@pytest.fixture
def clerk(units):
    user = user_make("lan")
    grant_make(user, Role.CLERK, units["agency"])
    return user


def people(units, *names: str, **changes) -> None:
    first = StaffProfile.objects.count()
    live_make(
        *(
            person(units, **{"birth_name": name, "citizen_id": f"066185{first + number:06}", "staff_number": f"N{first + number}", **changes})
            for number, name in enumerate(names)
        )
    )
    words_add()


def found(user, text: str) -> list[str]:
    return [row.birth_name for row in staff_page(user=user, wanted=StaffFilter(text=text)).rows]


@pytest.mark.parametrize(
    "text",
    ["nguyen thi hoa", "Nguyễn Thị Hoà", "Nguyễn Thị Hòa", unicodedata.normalize("NFD", "Nguyễn Thị Hòa"), "NGUYEN  THI HOA", "hoa nguyen thi"],
)
def test_one_name_however_it_is_written(clerk, units, text):
    people(units, "Nguyễn Thị Hoà", "Nguyễn Thị Hòa", "Nguyễn Thị Hoa", "Trần Thị Hoa", "Nguyễn Thị Hương")
    assert sorted(found(clerk, text)) == sorted(["Nguyễn Thị Hoà", "Nguyễn Thị Hòa", "Nguyễn Thị Hoa"])


@pytest.mark.parametrize(
    "text", ["nguyen thj hoa", "nguyn thi hoa", "ngueyn thi hoa", "nguyenn thi hoa", "nguyenthi hoa", "ng uyen thi hoa", "nguyen thi hoaa"]
)
def test_one_slip_is_forgiven_and_said(clerk, units, text):
    people(units, "Nguyễn Thị Hoà", "Trần Văn Nam")
    page = staff_page(user=clerk, wanted=StaffFilter(text=text))
    assert [row.birth_name for row in page.rows] == ["Nguyễn Thị Hoà"]
    assert page.is_near


def test_a_slip_that_makes_another_name_is_answered_with_a_suggestion(clerk, units):
    people(units, "Nguyễn Thị Hảo", "Nguyễn Thị Hoà", "Nguyễn Thị Hoà", "Lê Văn Tám")
    page = staff_page(user=clerk, wanted=StaffFilter(text="nguyen thi hao"))
    assert ([row.birth_name for row in page.rows], page.is_near) == (["Nguyễn Thị Hảo"], False)
    assert [(one.name, one.count) for one in page.suggestions] == [("Nguyễn Thị Hoà", 2)]


def test_suggestions_stay_within_the_scope(clerk, units):
    there = {"using_unit": str(units["elsewhere"].pk), "managing_agency": str(units["elsewhere"].pk), "postings": [posting(units["elsewhere"])]}
    people(units, "Nguyễn Thị Hảo")
    people(units, "Nguyễn Thị Hoà", **there)
    page = staff_page(user=clerk, wanted=StaffFilter(text="nguyen thi hao"))
    assert list(page.suggestions) == []
    assert found(clerk, "nguyen thi hoa") == ["Nguyễn Thị Hảo"]  # near; the stranger stays unknown


def test_the_last_word_may_be_only_begun(clerk, units):
    people(units, "Nguyễn Thị Hương", "Nguyễn Thị Lan")
    assert found(clerk, "nguyen thi huo") == ["Nguyễn Thị Hương"]


@pytest.mark.parametrize("text", ["H'Wing", "h’wing nie", "hwing kdam"])
def test_names_of_the_highlands(clerk, units, text):
    people(units, "H’Wing Niê-Kđăm")
    assert found(clerk, text) == ["H’Wing Niê-Kđăm"]


def test_a_staff_number_and_the_number_of_a_decision_are_found_whole(clerk, units):
    people(units, "Lê Thị Đào", postings=[posting(units["office"], decision_number="123/QĐ-UBND", decision_date="2025-06-30")])
    people(units, "Trần Văn Nam")
    assert found(clerk, "123/qd-ubnd") == found(clerk, "n0") == ["Lê Thị Đào"]
    assert found(clerk, "123/QĐ") == []


def test_a_discipline_is_not_found_by_its_decision(clerk, units):
    discipline = {"side": "CQ", "form": "01", "valid_from": "2025-01-10", "decision_number": "9/QĐ-KL"}
    blank = {"valid_to": None, "act": None, "authority": None}
    people(units, "Lê Thị Đào", disciplines=[{**blank, **discipline}])
    assert found(clerk, "9/QĐ-KL") == []


@given(st.text(alphabet="abcdehlnost", min_size=2, max_size=8))
def test_whatever_is_one_slip_away_leads_back(word):
    assert all(word in slips(other) for other in list(slips(word))[::17] if len(other) > 1)


def test_a_number_is_known_however_it_is_grouped():
    assert citizen_number("066 185 000 001") == citizen_number("066185000001") == "066185000001"
    assert [citizen_number(text) for text in ("06618500000", "06618500000x", "٠٦٦١٨٥٠٠٠٠٠١", "")] == [None] * 4


def test_who_sees_numbers_masked_cannot_ask_for_one(units):
    # given
    people(units, "Lê Thị Đào")
    number = StaffProfile.objects.get().citizen_id
    asked = {}
    for role in (Role.CLERK, Role.SUPERVISOR, Role.AUDITOR, Role.OPERATOR):
        user = user_make()
        grant_make(user, role, units["agency"])
        asked[role] = staff_by_number(user=user, number=number) is not None
    # then
    assert asked == {Role.CLERK: True, Role.SUPERVISOR: True, Role.AUDITOR: False, Role.OPERATOR: False}


@pytest.mark.django_db
def test_a_number_typed_into_the_box_leads_to_the_person_and_into_no_address():
    # given
    office = Office.open()
    hoa = office.hired(birth_name="Nguyễn Thị Hoa")
    # when
    answers = {who: office.client(who).post(reverse(FIND), {"q": hoa.citizen_id}) for who in ("clerk", "auditor", "stranger")}
    # then
    assert answers["clerk"].url == reverse("registry:staff_detail", args=[hoa.pk])
    assert answers["auditor"].url == answers["stranger"].url == reverse(LIST)
    assert office.client("clerk").get(reverse(LIST), {"q": hoa.citizen_id}).url == reverse(LIST)


@pytest.mark.django_db
def test_a_name_typed_into_the_box_keeps_the_filter():
    # given
    office = Office.open()
    # when
    answer = office.client("clerk").post(reverse(FIND), {"q": " hoa ", "gender": "2", "unit": str(office.units["office"].pk)})
    # then
    assert answer.url == f"{reverse(LIST)}?q=hoa&unit={office.units['office'].pk}&gender=2"


def test_a_unit_is_found_by_a_name_it_no_longer_has(clerk, units):
    # given
    FormerUnitName.objects.create(unit=OrgUnit.objects.get(pk=units["office"].pk), version=1, name="Phòng Hành chính", until=TODAY)
    # when, then
    assert [(one.unit.name, one.former) for one in units_found(user=clerk, text="phong hanh chinh")] == [("Văn phòng", "Phòng Hành chính")]
    assert [(one.unit.name, one.former) for one in units_found(user=clerk, text="van phong")] == [("Văn phòng", "")]
    assert units_found(user=user_make(), text="van phong") == []


@pytest.mark.parametrize("text", ["Phường 1, Quận 3", "phuong 1 quan 3", "Phường 1, Quận 3, Hồ Chí Minh"])
def test_an_area_of_2020_is_found_and_shown_with_its_successor(db, text):
    # when
    (one,) = [area for area in areas_found(text=text) if area.area.name == "1"]
    # then
    successor = AreaSuccession.objects.get(old=one.area, is_default=True).new
    assert "Quận 3" in one.path
    assert (one.successor, one.ended.isoformat()) == (successor, "2025-07-01")
    assert successor.valid_to is None


def test_an_area_is_found_without_its_kind(db):
    assert "Xã Ea Kao" in {one.area.full_name for one in areas_found(text="ea kao")}
    assert Area.objects.filter(full_name="Xã Ea Kao").exists()


def test_words_of_a_name_are_those_of_the_database(db, units):
    people(units, "H’Wing Niê-Kđăm")
    assert StaffProfile.objects.get().name_words == words("H’Wing Niê-Kđăm")
