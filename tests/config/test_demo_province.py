"""The demo's units: valid, unique, a whole tree, the same every time."""

from collections import Counter

from config.demo.catalogues import communes
from config.demo.province import DEMO_COMMUNE, ROOT_CODE, commune_code, unit_key, units, units_by_code
from orgtree.text import parse_agency_code
from planning.schema import ORG_UNIT


def test_every_unit_is_a_valid_document():
    assert [(unit.code, problem) for unit in units() for problem in ORG_UNIT.problems(unit.document)] == []


def test_the_province_has_its_real_communes_with_four_bodies_each():
    by_code = units_by_code()
    assert len(communes()) == 102
    for commune in communes():
        code = commune_code(commune.code)
        assert by_code[code].name == f"Ủy ban nhân dân {commune.running_name}"
        assert by_code[code].document["area"] == f"2025-{commune.code}"
        economy = "Phòng Kinh tế, Hạ tầng và Đô thị" if commune.kind == "Phường" else "Phòng Kinh tế"
        assert [by_code[f"{code}.{body}"].document["short_name"] for body in ("01", "02", "03", "04")] == [
            "Văn phòng Hội đồng nhân dân và Ủy ban nhân dân",
            economy,
            "Phòng Văn hóa - Xã hội",
            "Trung tâm Phục vụ hành chính công",
        ]


def test_it_is_one_tree_of_700_units_with_superiors_first():
    seen: set[str] = set()
    for unit in units():
        assert unit.document["parent"] is None or unit.document["parent"] in seen
        seen.add(str(unit.key))
    assert len(seen) == 700
    assert [unit.code for unit in units() if unit.document["parent"] is None] == [ROOT_CODE]
    assert Counter(unit.kind for unit in units()).keys() == {"province", "department", "commune", "division", "school", "hospital"}


def test_codes_are_agency_identifiers_and_unique_and_names_tell_units_apart():
    codes = [unit.code for unit in units()]
    assert len(set(codes)) == len(codes)
    assert [parse_agency_code(code) for code in codes] == codes
    assert len({unit.name for unit in units()}) == len(codes)


def test_keys_depend_on_the_code_alone():
    assert str(unit_key("H15")) == "5450d097-f528-5151-95cf-6b715a36879c"
    assert len({unit.key for unit in units()}) == 700


def test_the_demo_commune_is_ea_knop():
    assert units_by_code()[commune_code(DEMO_COMMUNE)].name == "Ủy ban nhân dân xã Ea Knốp"
