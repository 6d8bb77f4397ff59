"""Areas of today and of before 1 July 2025, loaded from the data files."""

from datetime import date

import pytest

from orgtree.choices import AreaKind, AreaLevel, SuccessionKind
from orgtree.models import Area, AreaSuccession
from orgtree.services.areas import areas_load

BEFORE, AFTER = date(2025, 6, 30), date(2025, 7, 1)


@pytest.fixture
def areas(db):
    return areas_load()


@pytest.mark.parametrize(
    ("day", "level", "count"),
    [
        (AFTER, AreaLevel.PROVINCE, 34),
        (AFTER, AreaLevel.DISTRICT, 0),
        (AFTER, AreaLevel.COMMUNE, 3_321),
        (BEFORE, AreaLevel.PROVINCE, 63),
        (BEFORE, AreaLevel.DISTRICT, 696),
        (BEFORE, AreaLevel.COMMUNE, 10_035),
    ],
)
def test_counts_are_the_official_ones(areas, day, level, count):
    assert Area.objects.on(day).filter(level=level).count() == count


def test_loading_again_writes_nothing_and_repairs_what_was_altered(areas):
    assert areas_load().written == 0

    Area.objects.filter(key="2025-24133").update(full_name="Phường Khác")

    assert areas_load().written == 1
    assert Area.objects.get(key="2025-24133").full_name == "Phường Buôn Ma Thuột"


def test_one_code_means_two_places_on_two_days(areas):
    former, present = (Area.objects.on(day).get(code="24133") for day in (BEFORE, AFTER))

    assert (former.key, former.full_name) == ("2004-24133", "Phường Thành Công")
    assert (present.key, present.full_name) == ("2025-24133", "Phường Buôn Ma Thuột")


def test_every_code_is_unambiguous_on_any_one_day(areas):
    for day in (BEFORE, AFTER):
        codes = list(Area.objects.on(day).values_list("level", "code"))
        assert len(codes) == len(set(codes))


def test_successions_lead_from_every_former_commune_to_one_main_successor(areas):
    former = Area.objects.filter(level=AreaLevel.COMMUNE, valid_to=AFTER)

    assert AreaSuccession.objects.count() == 10_602 + 63
    assert former.exclude(successions__is_default=True).count() == 0
    assert AreaSuccession.objects.filter(kind=SuccessionKind.SPLIT).count() == 1_033


def test_successor_of_former_and_present_areas(areas):
    assert Area.objects.get(key="2004-24133").successor().key == "2025-24133"
    assert Area.objects.get(key="2004-02").successor().full_name == "Tỉnh Tuyên Quang"
    assert Area.objects.get(key="2025-24133").successor().key == "2025-24133"
    assert Area.objects.get(key="2004-001").successor() is None  # a district: the level was abolished
    assert Area.objects.get(key="2004-498").successor().full_name == "Đặc khu Hoàng Sa"  # but an island district lives on


def test_kinds_names_and_parents(areas):
    ward = Area.objects.get(key="2025-24133")
    former = Area.objects.get(key="2004-24133")

    assert (ward.kind, ward.name, ward.parent.full_name) == (AreaKind.WARD, "Buôn Ma Thuột", "Tỉnh Đắk Lắk")
    assert (former.parent.level, former.parent.parent.full_name) == (AreaLevel.DISTRICT, "Tỉnh Đắk Lắk")
    assert not Area.objects.filter(full_name__regex=r"^(xã|phường|Thành Phố)").exists()


def test_search_without_accents(areas):
    found = Area.objects.on(AFTER).filter(name_search__contains="buon ma thuot")

    assert [area.key for area in found] == ["2025-24133"]
