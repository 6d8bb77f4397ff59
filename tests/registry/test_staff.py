"""The staff list: what is in scope and what is hidden, the order of names, pages both ways, a count that stops."""

from __future__ import annotations

import pytest

from orgtree.choices import Action, Role
from registry.masking import masked
from registry.models import StaffProfile
from registry.selectors import staff
from registry.selectors.profile import profile_get
from registry.selectors.staff import StaffFilter, staff_by_number, staff_list, staff_page
from tests.factories import grant_make, user_make
from tests.registry.people import TODAY, live_make, person, places, posting

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _day(settings):
    settings.PINNED_TODAY = TODAY


@pytest.fixture
def units():
    return places()


@pytest.fixture
def clerk(units):
    user = user_make("lan")
    grant_make(user, Role.CLERK, units["agency"])
    return user


def named(units, *names: str, unit: str = "office"):
    """People with these names, in the office unless said otherwise."""
    place = {"using_unit": str(units[unit].pk), "postings": [posting(units[unit])]}
    if unit == "elsewhere":
        place["managing_agency"] = place["using_unit"]
    first = StaffProfile.objects.count()
    return live_make(
        *(
            person(units, birth_name=name, citizen_id=f"066185{first + number:06}", staff_number=f"N{first + number}", **place)
            for number, name in enumerate(names)
        )
    )


def names(page) -> list[str]:
    return [row.birth_name for row in page.rows]


def test_what_is_in_scope_is_listed_and_the_rest_is_hidden(clerk, units):
    # given people in the office below the clerk's unit, in the unit itself, and elsewhere
    (below,), (here,), (there,) = named(units, "Lê Văn An"), named(units, "Lê Văn Bình", unit="agency"), named(units, "Lê Văn Chi", unit="elsewhere")
    assert set(staff_list(user=clerk, wanted=StaffFilter()).values_list("pk", flat=True)) == {below, here}
    assert list(staff_list(user=user_make(), wanted=StaffFilter())) == []
    # the same for one file by its key
    assert profile_get(user=clerk, key=below).pk == below
    with pytest.raises(StaffProfile.DoesNotExist):
        profile_get(user=clerk, key=there)
    supervisor = user_make()
    grant_make(supervisor, Role.SUPERVISOR, units["agency"])
    with pytest.raises(StaffProfile.DoesNotExist):
        profile_get(user=supervisor, key=below, action=Action.EDIT)


def test_a_search_finds_no_more_than_the_scope_holds(clerk, units):
    named(units, "Lê Văn Chi", unit="elsewhere")
    number = StaffProfile.objects.get().citizen_id
    assert names(staff_page(user=clerk, wanted=StaffFilter(text="chi"))) == []
    assert names(staff_page(user=clerk, wanted=StaffFilter(text=number))) == []


@pytest.mark.parametrize("text", ["đào", "DAO", "thi dao", "Lê Thị Đào"])
def test_names_are_found_without_accents_and_case(clerk, units, text):
    named(units, "Lê Thị Đào", "Trần Văn Nam")
    assert names(staff_page(user=clerk, wanted=StaffFilter(text=text))) == ["Lê Thị Đào"]


def test_numbers_are_found_whole_only(clerk, units):
    named(units, "Lê Thị Đào", "Trần Văn Nam")
    assert names(staff_page(user=clerk, wanted=StaffFilter(text="n0"))) == ["Lê Thị Đào"]
    # a personal identification number is not for the list, whose address is kept and passed on
    assert names(staff_page(user=clerk, wanted=StaffFilter(text="066185000001"))) == []
    assert staff_by_number(user=clerk, number="066185000001").birth_name == "Trần Văn Nam"


def test_filters_by_subtree_and_type(clerk, units):
    named(units, "Lê Văn An")
    named(units, "Lê Văn Bình", unit="agency")
    assert names(staff_page(user=clerk, wanted=StaffFilter(unit=units["office"]))) == ["Lê Văn An"]
    assert names(staff_page(user=clerk, wanted=StaffFilter(unit=units["agency"]))) == ["Lê Văn An", "Lê Văn Bình"]
    assert names(staff_page(user=clerk, wanted=StaffFilter(values={"type": "VC"}))) == []


def test_the_order_is_that_of_vietnamese_lists(clerk, units):
    # given name first, then middle names, then family name; letters before tones
    named(units, "Trần Văn Ánh", "Nguyễn Văn An", "Lê Thị Đào", "Phạm Văn Dũng", "Bùi Văn An", "Lê Thị An")
    assert names(staff_page(user=clerk, wanted=StaffFilter())) == [
        "Lê Thị An", "Bùi Văn An", "Nguyễn Văn An", "Trần Văn Ánh", "Phạm Văn Dũng", "Lê Thị Đào",
    ]  # fmt: skip


def test_pages_lead_forward_and_back_over_equal_names(clerk, units, monkeypatch):
    monkeypatch.setattr(staff, "PAGE", 3)
    keys = set(named(units, *["Nguyễn Văn An"] * 8))
    # forward
    seen, cursor, pages = [], "", []
    while True:
        page = staff_page(user=clerk, wanted=StaffFilter(), cursor=cursor)
        pages.append([row.pk for row in page.rows])
        seen += pages[-1]
        if not page.next:
            break
        cursor = page.next
    assert [len(one) for one in pages] == [3, 3, 2]
    assert len(seen) == 8
    assert set(seen) == keys
    # and back
    back = staff_page(user=clerk, wanted=StaffFilter(), cursor=page.previous, direction="before")
    assert [row.pk for row in back.rows] == pages[1]
    first = staff_page(user=clerk, wanted=StaffFilter(), cursor=back.previous, direction="before")
    assert ([row.pk for row in first.rows], first.previous) == (pages[0], "")


@pytest.mark.parametrize("cursor", ["x", "W10", "bnVsbA", "WyJhIiwgImIiXQ", "%%%"])
def test_a_made_up_cursor_is_the_beginning(clerk, units, cursor):
    named(units, "Nguyễn Văn An")
    assert names(staff_page(user=clerk, wanted=StaffFilter(), cursor=cursor)) == ["Nguyễn Văn An"]


def test_counting_stops(clerk, units, monkeypatch):
    monkeypatch.setattr(staff, "COUNT_LIMIT", 4)
    named(units, *[f"Nguyễn Văn {name}" for name in ("An", "Bình", "Chi", "Dũng")])
    assert (staff_page(user=clerk, wanted=StaffFilter()).count, staff_page(user=clerk, wanted=StaffFilter()).count_is_exact) == (4, True)
    named(units, "Nguyễn Văn Em")
    assert (staff_page(user=clerk, wanted=StaffFilter()).count, staff_page(user=clerk, wanted=StaffFilter()).count_is_exact) == (4, False)


def test_a_page_asks_three_questions_however_many_people(clerk, units, django_assert_num_queries):
    named(units, *["Nguyễn Văn An"] * 20)
    with django_assert_num_queries(2):  # the intervals of the scope, the rows with unit and post; one page needs no count
        page = staff_page(user=clerk, wanted=StaffFilter())
        assert {(row.using_unit.name, row.post) for row in page.rows} == {("Văn phòng", "Chuyên viên")}


def test_masking():
    assert masked("066185001234") == "•••••••••234"
    assert masked("12") == "12"
