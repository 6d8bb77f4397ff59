"""People through the whole gate, committed for real; and the walls and constraints of their tables."""

from __future__ import annotations

import threading
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from orgtree.models import OrgUnit
from registry.models import Posting, StaffProfile, Upload
from registry.selectors.profile import profile_get, profile_view
from registry.services.uploads import upload_process, upload_receive, upload_submit
from tests.factories import gate_lifted
from tests.racing import in_threads
from tests.registry.people import TODAY, live_make, person, posting
from tests.uploads.workbooks import right, workbook
from tests.workflows.conftest import gate as gate  # the fixture
from workflows.choices import RequestState
from workflows.errors import WrongState
from workflows.models import RecordVersion, Seal
from workflows.services.applying import request_apply
from workflows.services.ledger import verify_ledger
from workflows.services.staging import Proposal


def proposal(key: UUID, patch, *, ref: int = 0) -> Proposal:
    return Proposal(kind="staff_profile", key=key, patch=patch, ref=ref)


@pytest.fixture(scope="module")
def units(gate):
    """The authority of the gate's own tests with an office below, founded through the gate."""
    office, elsewhere = UUID(int=101), UUID(int=102)
    common = {"kind": "division", "valid_from": "2025-07-01", "parent": str(gate.unit.pk)}
    gate.applied(
        Proposal(kind="org_unit", key=office, ref=1, patch={**common, "code": "H15.70", "name": "Văn phòng"}),
        Proposal(kind="org_unit", key=elsewhere, ref=2, patch={**common, "code": "H15.71", "name": "Phòng khác"}),
    )
    from orgtree.models import OrgUnit

    found = {unit.pk: unit for unit in OrgUnit.objects.all()}
    return {"agency": found[gate.unit.pk], "office": found[office], "elsewhere": found[elsewhere]}


@pytest.fixture(autouse=True)
def _day(settings):
    settings.PINNED_TODAY = TODAY


def new(units, number: int, **changes):
    return person(units, citizen_id=f"066185{number:06}", staff_number=f"N{number}", **changes)


def test_a_person_is_made_changed_and_has_a_history(gate, units):
    # given
    key = uuid4()
    gate.applied(proposal(key, new(units, 1)))
    first = StaffProfile.objects.get(pk=key)
    assert (first.version, first.name_search, first.using_unit_id) == (1, "nguyen thi hoa", units["office"].pk)
    # when
    gate.applied(proposal(key, {"phone": "0987654321", "citizen_id": "066185000011"}))
    # then
    profile = profile_get(user=gate.approver, key=key)
    assert (profile.version, profile.phone) == (2, "0987654321")
    view = profile_view(user=gate.approver, profile=profile)
    assert [one.number for one in view.versions] == [2, 1]
    changes = {one.name: (one.before, one.after) for one in view.versions[0].changes}
    assert changes["phone"] == (["0912345678"], ["0987654321"])
    assert changes["citizen_id"] == (["•••••••••001"], ["•••••••••011"])  # class A stays masked in the history too
    # and what the tables say is what was signed
    assert verify_ledger().damages == []


def test_postings_change_by_difference(gate, units):
    # given two postings
    key = uuid4()
    earlier = posting(None, unit_name="Trường THCS Lạc Long Quân", valid_from="2008-09-01", valid_to="2025-07-01", title="Giáo viên")
    gate.applied(proposal(key, new(units, 2, postings=[earlier, posting(units["office"])])))
    before = dict(Posting.objects.filter(staff_id=key).values_list("title", "pk"))
    # when the open one ends and another begins
    ended, begun = posting(units["office"], valid_to="2026-09-01"), posting(units["elsewhere"], title="Phó Trưởng phòng", valid_from="2026-09-01")
    gate.applied(proposal(key, {"postings": [earlier, ended, begun], "using_unit": str(units["elsewhere"].pk)}))
    # then the untouched row is the same row still
    after = dict(Posting.objects.filter(staff_id=key).values_list("title", "pk"))
    assert after["Giáo viên"] == before["Giáo viên"]
    assert after["Chuyên viên"] != before["Chuyên viên"]
    assert set(after) == {"Giáo viên", "Chuyên viên", "Phó Trưởng phòng"}
    assert verify_ledger().damages == []


def test_two_people_exchange_their_numbers_in_one_request(gate, units):
    one, two = uuid4(), uuid4()
    gate.applied(proposal(one, new(units, 3), ref=1), proposal(two, new(units, 4), ref=2))
    request = gate.applied(proposal(one, {"citizen_id": "066185000004"}, ref=1), proposal(two, {"citizen_id": "066185000003"}, ref=2))
    assert request.state == RequestState.APPLIED
    assert dict(StaffProfile.objects.filter(pk__in=[one, two]).values_list("pk", "citizen_id")) == {one: "066185000004", two: "066185000003"}


def test_of_two_new_files_with_one_number_the_second_waits(gate, units):
    gate.submitted(proposal(uuid4(), new(units, 5)))
    staged = gate.stage(proposal(uuid4(), new(units, 5, birth_name="Trần Thị Mai")))
    assert staged.request is None
    assert [one.code for many in staged.returned.values() for one in many] == ["RECORD_BUSY"]


@pytest.mark.parametrize(
    "statement",
    [
        "update registry_staffprofile set birth_name = 'X'",
        "delete from registry_posting",
        "insert into registry_posting(staff_id, title, unit_name, valid_from) select id, 'x', 'y', '2020-01-01' from registry_staffprofile limit 1",
        "truncate registry_staffprofile cascade",
        "with x as (update registry_posting set title = 'X' returning 1) select * from x",
    ],
)
def test_nobody_writes_people_past_the_gate(gate, units, statement):
    gate.applied(proposal(uuid4(), new(units, 600 + len(statement))))
    with pytest.raises(DatabaseError, match="registry_"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_setting_alone_does_not_open_the_wall(gate, units):
    # given the id of a request that was applied long ago
    request = gate.applied(proposal(uuid4(), new(units, 7)))
    with pytest.raises(DatabaseError, match="approved change request"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select set_config('hoso.request', %s, true)", [str(request.pk)])
        cursor.execute("update registry_staffprofile set birth_name = 'X'")


CONSTRAINTS = [
    ("registry_staffprofile", "citizen_id = '123'", "citizen_id_form"),
    ("registry_staffprofile", "phone = '12'", "phone_form"),
    ("registry_staffprofile", "citizen_id_date = '1980-01-01'", "after_birth"),
    ("registry_staffprofile", "first_recruit_date = '1980-01-01'", "after_birth"),
    ("registry_staffprofile", "current_agency_date = '2000-01-01'", "recruited_first"),
    ("registry_staffprofile", "step = null", "rank_whole"),
    ("registry_staffprofile", "percent = 101", "rank_whole"),
    ("registry_staffprofile", "birth_name = null", "not-null"),
    ("registry_posting", "valid_to = valid_from", "posting_period"),
    ("registry_posting", "unit_id = null", "posting_place"),
]


@pytest.mark.parametrize(("table", "change", "constraint"), CONSTRAINTS)
def test_constraints_are_the_last_wall(gate, units, table, change, constraint):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        (key,) = live_make(new(units, 800))
        person_of = "id" if table == "registry_staffprofile" else "staff_id"
        with gate_lifted(table), connection.cursor() as cursor:
            cursor.execute(f"update {table} set {change} where {person_of} = %s", [key])


def test_uniqueness_and_overlap_are_constraints_too(gate, units):
    for documents, constraint in (
        (
            [
                new(units, 801),
                new(
                    units,
                    801,
                ),
            ],
            "registry_staff_citizen_id",
        ),
        ([new(units, 802), {**new(units, 803), "staff_number": "N802"}], "registry_staff_number"),
        ([new(units, 804, postings=[posting(units["office"]), posting(units["office"], title="Khác", valid_from="2024-01-01")])], "posting_overlap"),
    ):
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            live_make(*documents)


def test_two_workers_on_one_upload_make_one_request(gate, units, settings, tmp_path):
    # given one upload, and two workers that were both told to read it
    from django.core.files.base import ContentFile

    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path}}}
    names = [f"Trịnh {first} {second}" for first in "ABCDEF" for second in "GHIKL"]
    rows = [right(4_400 + number, **{"Mã đơn vị": "H15.70", "Họ và tên": name}) for number, name in enumerate(names)]
    upload = upload_receive(actor=gate.author, unit=units["agency"], file=ContentFile(workbook(rows), "a.xlsx"), name="a.xlsx")

    def twice(step):
        """`step` by two threads at one moment; what each came to."""
        start, outcomes = threading.Barrier(2), []

        def work():
            try:
                start.wait(10)
                outcomes.append(step(Upload.objects.get(pk=upload.pk)))
            except WrongState:
                outcomes.append(None)  # the other one was first
            finally:
                connection.close()

        workers = [threading.Thread(target=work) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
        return outcomes

    # when
    read = twice(lambda one: upload_process(upload=one))
    submitted = twice(lambda one: upload_submit(actor=gate.author, upload=one))
    upload_process(upload=Upload.objects.get(pk=upload.pk))  # as the sweep does, should each have left it to the other
    # then
    assert len(read) == 2
    assert len(submitted) == 2
    assert upload.rows.count() == 30
    assert [one.rows for one in upload.submissions.all()] == [30]


def test_apply_and_reorganise_at_once(gate, units):
    """A file that comes to a unit, and the unit's end: whichever is first, nobody comes to a unit that has ended."""
    for number in range(4):
        unit, key = uuid4(), uuid4()
        founded = {"kind": "division", "valid_from": "2025-07-01", "parent": str(gate.unit.pk), "code": f"H15.9{number}", "name": f"Phòng {number}"}
        gate.applied(Proposal(kind="org_unit", key=unit, patch=founded))
        coming = gate.submitted(proposal(key, new({**units, "office": OrgUnit.objects.get(pk=unit)}, 700 + number)))
        ending = gate.submitted(Proposal(kind="org_unit", key=unit, patch={"valid_to": TODAY.isoformat()}))
        for request in (coming, ending):
            gate.approve(request)
        # when both are applied at one moment
        came, ended = in_threads(*(lambda request=request: request_apply(request_id=request.pk) for request in (coming, ending)))
        # then both can be told in an order, and the order is the ledger's
        assert ended.state == RequestState.APPLIED, ended
        assert came.state in (RequestState.APPLIED, RequestState.CONFLICT), came
        if came.state == RequestState.APPLIED:
            sealed = {one.request_id: one.sequence for one in Seal.objects.filter(request__in=[coming, ending])}
            assert sealed[coming.pk] < sealed[ending.pk]
        else:
            assert [one.code for one in came.findings.all()] == ["UNIT_ENDED"]
            assert not StaffProfile.objects.filter(pk=key).exists()


def test_the_ledger_is_complete(gate, units):
    """Every version of every person of this module came by a request, and the tables say what the ledger says."""
    versions = RecordVersion.objects.filter(kind="staff_profile")
    assert set(StaffProfile.objects.values_list("pk", flat=True)) == set(versions.values_list("key", flat=True))
    assert verify_ledger().damages == []
