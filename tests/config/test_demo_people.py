"""The demo's people: valid documents, believable, unique, the same every time. The rules' verdict is in test_demo_rules."""

from collections import Counter
from datetime import date
from itertools import pairwise

from config.demo.catalogues import former_communes, salary_classes, scales
from config.demo.people import TODAY, known_people, login_person, people
from config.demo.province import DEMO_COMMUNE, commune_code, unit_key, units
from registry.schema import STAFF_PROFILE

PEOPLE = list(people())
DOCUMENTS = [person.document for person in PEOPLE]


def test_two_thousand_valid_documents():
    assert len(PEOPLE) == 2_000
    assert [(document["staff_number"], problem) for document in DOCUMENTS for problem in STAFF_PROFILE.problems(document)] == []


def test_nobody_shares_a_key_a_citizen_number_a_staff_number_or_a_telephone():
    for values in (
        [person.key for person in PEOPLE],
        *([document[name] for document in DOCUMENTS] for name in ("citizen_id", "staff_number", "phone")),
    ):
        assert [value for value, times in Counter(values).items() if times > 1] == []


def test_the_same_seed_repeats_and_a_smaller_count_begins_the_same_list():
    assert list(people(50)) == PEOPLE[:50]
    assert list(people(3, seed="another")) != PEOPLE[:3]


def test_more_people_than_seats_can_be_drawn():
    documents = [person.document for person in people(9_000)]
    assert len({document["citizen_id"] for document in documents}) == 9_000


def test_the_citizen_number_agrees_with_birth_place_gender_and_year():
    province_of = {item.area: item.province_code for items in former_communes().values() for item in items}
    for document in DOCUMENTS:
        year = int(document["birth_date"][:4])
        century = (0 if year < 2000 else 2) + (document["gender"] == "2")
        assert document["citizen_id"][:6] == f"0{province_of[document['birth_place_area']]}{century}{year % 100:02d}"


def test_step_and_rank_give_the_coefficient_and_no_raise_is_overdue():
    for document in DOCUMENTS:
        scale = scales()[salary_classes()[document["rank_code"]]]
        assert f"{scale.coefficients[document['step'] - 1]:.2f}" == document["coefficient"]
        held = (TODAY - date.fromisoformat(document["step_date"])).days
        assert document["step"] == len(scale.coefficients) or 0 <= held < scale.months * 31


def test_dates_stand_in_order_and_the_open_posting_is_the_using_unit():
    for document in DOCUMENTS:
        assert document["birth_date"] < document["first_recruit_date"] <= document["current_agency_date"] <= TODAY.isoformat()
        assert document["first_recruit_date"] <= document["rank_date"] <= document["step_date"] <= TODAY.isoformat()
        rows = sorted(document["postings"], key=lambda row: row["valid_from"])
        assert rows[0]["valid_from"] == document["first_recruit_date"]
        assert all(before["valid_to"] == after["valid_from"] for before, after in pairwise(rows))
        assert (rows[-1]["valid_to"], rows[-1]["unit"]) == (None, document["using_unit"])


def test_postings_name_units_only_since_the_merger_of_2025():
    founded = {str(unit.key): unit.document["valid_from"] for unit in units()}
    assert [row for document in DOCUMENTS for row in document["postings"] if row["unit"] and row["valid_from"] < founded[row["unit"]]] == []


def test_names_of_the_peoples_of_the_highlands_are_there():
    names = {document["birth_name"] for document in DOCUMENTS}
    assert any(name.startswith("Y ") for name in names)
    assert any(name.startswith("H'") for name in names)
    assert 0.6 < sum(document["ethnicity"] == "01" for document in DOCUMENTS) / len(DOCUMENTS) < 0.85


def test_the_demo_commune_has_enough_people_to_change():
    here = str(unit_key(commune_code(DEMO_COMMUNE)))
    assert sum(document["managing_agency"] == here for document in DOCUMENTS) >= 60


def test_logins_are_the_first_people():
    for login, (serial, known) in known_people().items():
        assert login_person(login) == PEOPLE[serial]
        assert DOCUMENTS[serial]["birth_name"] == known.name
