"""One right person as a document, and the rules run over documents: the tests' common ground for people."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction

from orgtree.models import Area, OrgUnit
from registry.models import LIVE_ROWS
from registry.schema import STAFF_PROFILE
from tests.factories import gate_lifted, unit_make
from workflows.documents import Document, canonical, digest
from workflows.opening import check, findings, opened
from workflows.rules import Found
from workflows.targets import target

TODAY = date(2026, 10, 15)
PEOPLE_TABLES = ("registry_staffprofile", *(live._meta.db_table for live in LIVE_ROWS.values()))
SOURCE = (
    "select * from unnest(%s::int[], %s::text[], %s::uuid[], %s::text[], %s::int[], %s::bytea[], %s::bytea[])"
    " as d(leaf_index, kind, key, op, base_version, digest, body)"
)


def places() -> dict[str, OrgUnit]:
    """An agency with an office below it, and another agency beside."""
    agency = unit_make("Ủy ban nhân dân phường Buôn Ma Thuột", code="H15.70")
    office = unit_make("Văn phòng", code="H15.70.01", parent=agency)
    elsewhere = unit_make("Ủy ban nhân dân xã Ea Kao", code="H15.71")
    return {"agency": OrgUnit.objects.get(pk=agency.pk), "office": office, "elsewhere": elsewhere}


def posting(unit: OrgUnit | None = None, **changes: Any) -> Document:
    return {
        "title": "Chuyên viên",
        "unit": unit and str(unit.pk),
        "unit_name": None,
        "valid_from": "2025-07-01",
        "valid_to": None,
        "position_group": None,
        "movement": None,
        "decision_number": None,
        "decision_date": None,
        **changes,
    }


def person(units: Mapping[str, OrgUnit], **changes: Any) -> Document:
    """A document with which no rule finds anything wrong, but for `changes`."""
    return STAFF_PROFILE.merge(
        None,
        {
            "managing_agency": str(units["agency"].pk),
            "using_unit": str(units["office"].pk),
            "staff_number": "CB0001",
            "birth_name": "Nguyễn Thị Hoa",
            "gender": "2",
            "birth_date": "1985-08-15",
            "birth_place": "Xã Ea Kao, thành phố Buôn Ma Thuột, tỉnh Đắk Lắk",
            "home_town": "Xã Hòa Xuân, thành phố Buôn Ma Thuột, tỉnh Đắk Lắk",
            "ethnicity": "01",
            "religion": "99",
            "citizen_id": "066185001234",
            "citizen_id_date": "2021-05-10",
            "phone": "0912345678",
            "current_address": "12 Lê Duẩn, phường Buôn Ma Thuột, tỉnh Đắk Lắk",
            "first_recruit_date": "2008-09-01",
            "recruiting_agency": "Ủy ban nhân dân thành phố Buôn Ma Thuột",
            "current_agency_date": "2025-07-01",
            "personnel_type": "CC",
            "party_join_date": "2012-02-03",
            "general_education": "22",
            "rank_code": "01.003",
            "rank_date": "2010-01-01",
            "step": 6,
            "coefficient": "3.99",
            "step_date": "2025-01-01",
            "percent": "100.00",
            "postings": [posting(units["office"])],
            **changes,
        },
    )


def judge(*documents: Document, today: date = TODAY) -> list[Found]:
    """What the rules find in new people; `ref` is the place of the document in the call."""
    return judge_changes(*((uuid4(), 0, document) for document in documents), today=today)


def judge_changes(*changes: tuple[UUID, int, Document], today: date = TODAY) -> list[Found]:
    """What the rules find in (key, base version, document after)."""
    bodies = [canonical(document) for _key, _base, document in changes]
    columns = [
        list(range(len(changes))),
        ["staff_profile"] * len(changes),
        [key for key, _base, _document in changes],
        ["update" if base else "create" for _key, base, _document in changes],
        [base for _key, base, _document in changes],
        [digest(body) for body in bodies],
        bodies,
    ]
    with transaction.atomic(), opened(SOURCE, columns) as open_:
        check(open_, today=today)
        return findings()


def live_make(*documents: Document) -> list[UUID]:
    """People as they stand after applying, written by the target's own projection with the gate lifted, documents stored."""
    keys = [uuid4() for _ in documents]
    bodies = [canonical(document) for document in documents]
    columns = [
        list(range(len(keys))),
        ["staff_profile"] * len(keys),
        keys,
        ["create"] * len(keys),
        [0] * len(keys),
        [digest(body) for body in bodies],
        bodies,
    ]
    with transaction.atomic(), opened(SOURCE, columns), ExitStack() as lifted:
        for table in PEOPLE_TABLES:
            lifted.enter_context(gate_lifted(table))
        with connection.cursor() as cursor:
            cursor.execute(
                "insert into workflows_storeddocument(digest, body) select sha256(b), b from unnest(%s::bytea[]) b on conflict do nothing", [bodies]
            )
        target("staff_profile").project()
    return keys


def area_make(key: str, name: str, *, former: bool = False) -> Area:
    """An area of its own code when the template database holds none under `key`."""
    return Area.objects.get_or_create(
        key=key,
        defaults={
            "code": key[5:],
            "level": "commune",
            "name": name,
            "full_name": f"Xã {name}",
            "kind": "commune",
            "valid_from": date(2004, 7, 8) if former else date(2025, 7, 1),
            "valid_to": date(2025, 7, 1) if former else None,
        },
    )[0]
