"""The OrgUnit target: which rights a change needs, and how its values are shown."""

from uuid import UUID, uuid4

import pytest
from django.utils import translation

from orgtree.choices import Role
from orgtree.services.areas import areas_load
from planning.schema import ORG_UNIT
from tests.factories import grant_make, superuser_make, unit_make, user_make
from workflows.services.staging import Proposal, request_stage
from workflows.targets import target


def document(**fields):
    return ORG_UNIT.merge(None, {name: str(value) if isinstance(value, UUID) else value for name, value in fields.items()})


def test_a_move_needs_the_unit_and_both_superiors():
    unit, before, after = uuid4(), uuid4(), uuid4()

    assert target("org_unit").units_of(unit, document(parent=before), document(parent=after)) == {unit, before, after}


def test_a_new_unit_needs_its_superior_and_a_rename_the_unit():
    unit, parent = uuid4(), uuid4()

    assert target("org_unit").units_of(unit, None, document(parent=parent)) == {parent}
    assert target("org_unit").units_of(unit, document(), document(name="renamed")) == {unit}


def test_becoming_a_root_needs_a_superuser():
    unit, parent = uuid4(), uuid4()

    assert target("org_unit").units_of(unit, None, document()) == set()
    assert target("org_unit").units_of(unit, document(parent=parent), document()) == set()


def test_the_code_is_claimed_by_the_unit_that_goes_on():
    assert target("org_unit").natural_key(document(code="H15")) == "H15"
    assert target("org_unit").natural_key(document(code="H15", valid_to="2026-01-01")) is None


def test_values_are_shown_as_a_person_reads_them(db, django_assert_num_queries):
    areas_load()
    units = target("org_unit")
    root, founded = unit_make("Tỉnh Đắk Lắk"), uuid4()
    proposed = Proposal(kind="org_unit", key=founded, patch=document(code="H15.3", name="Sở mới", kind="department", valid_from="2026-01-01"))
    staged = request_stage(actor=superuser_make(), unit=root, title="Sở mới", proposals=[proposed])

    assert staged.staged == 1
    with django_assert_num_queries(2):
        parents = units.show("parent", [str(root.pk), str(founded), None])
    assert parents == {str(root.pk): "Tỉnh Đắk Lắk", str(founded): "Sở mới", None: ""}
    with translation.override("en"):
        assert units.show("kind", ["commune", "galaxy"]) == {"commune": "Commune, ward or special zone", "galaxy": "galaxy", None: ""}
        assert units.label_of("parent") == "Superior unit"
    assert units.show("area", ["2025-24133"]) == {"2025-24133": "Phường Buôn Ma Thuột (24133)", None: ""}
    assert units.show("valid_from", ["2026-01-31"]) == {"2026-01-31": "31/01/2026", None: ""}
    assert units.show("order_no", [3]) == {3: "3", None: ""}


def test_staging_asks_for_the_right_on_every_unit_concerned(db):
    root = unit_make("root", code="H15")
    mine, theirs = unit_make("mine", parent=root), unit_make("theirs", parent=root)
    clerk = user_make()
    grant_make(clerk, Role.CLERK, mine)
    common = {"kind": "division", "valid_from": "2026-01-01"}
    founded = uuid4()

    staged = request_stage(
        actor=clerk,
        unit=mine,
        title="Sắp xếp",
        proposals=[
            Proposal(kind="org_unit", key=founded, ref=1, patch={**common, "code": "H15.71", "name": "allowed", "parent": str(mine.pk)}),
            Proposal(kind="org_unit", key=uuid4(), ref=2, patch={**common, "code": "H15.72", "name": "below the new one", "parent": str(founded)}),
            Proposal(kind="org_unit", key=uuid4(), ref=3, patch={**common, "code": "H15.73", "name": "elsewhere", "parent": str(theirs.pk)}),
            Proposal(kind="org_unit", key=uuid4(), ref=4, patch={**common, "code": "H16", "name": "an authority of his own"}),
        ],
    )

    assert staged.staged == 2
    assert {ref: [one.code for one in found] for ref, found in staged.returned.items()} == {3: ["OUT_OF_SCOPE"], 4: ["OUT_OF_SCOPE"]}


def test_a_kind_nobody_registered_is_not_found():
    with pytest.raises(LookupError):
        target("galaxy")
