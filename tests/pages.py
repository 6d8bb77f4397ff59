"""A small office for tests of pages: one authority, two agencies, people in each role, files that came through the gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.test import Client

from orgtree.choices import Role
from orgtree.models import OrgUnit, User
from registry.models import StaffProfile
from tests.factories import grant_make, superuser_make, unit_make, user_make
from tests.registry.people import person
from workflows.documents import Document
from workflows.models import ChangeRequest
from workflows.services.applying import request_apply
from workflows.services.approval import request_approve_by_system
from workflows.services.staging import Proposal, Staged, request_stage
from workflows.services.submission import request_submit

ROLES = {"clerk": Role.CLERK, "supervisor": Role.SUPERVISOR, "operator": Role.OPERATOR, "auditor": Role.AUDITOR}


@dataclass
class Office:
    """`units` has agency, office (below it) and elsewhere; `users` one in each role on the agency, and others named below.

    stranger is a clerk elsewhere, nobody has no grant, root is a superuser.
    """

    units: dict[str, OrgUnit]
    users: dict[str, User]
    serial: int = field(default=0)

    @classmethod
    def open(cls) -> Office:
        authority = unit_make("Ủy ban nhân dân tỉnh Đắk Lắk", code="H15", kind="province")
        agency = unit_make("Ủy ban nhân dân phường Buôn Ma Thuột", code="H15.70", parent=authority)
        office = unit_make("Văn phòng", code="H15.70.01", parent=agency)
        elsewhere = unit_make("Ủy ban nhân dân xã Ea Kao", code="H15.71", parent=authority)
        units = {name: OrgUnit.objects.get(pk=one.pk) for name, one in [("agency", agency), ("office", office), ("elsewhere", elsewhere)]}
        users = {name: user_make(name) for name in (*ROLES, "stranger", "nobody")} | {"root": superuser_make("root")}
        for name, role in ROLES.items():
            grant_make(users[name], role, units["agency"])
        grant_make(users["stranger"], Role.CLERK, units["elsewhere"])
        return cls(units, users)

    def document(self, **changes: Any) -> Document:
        """A right person of the office, each with numbers of their own."""
        self.serial += 1
        numbers = {"citizen_id": f"066185{self.serial:06}", "staff_number": f"CB{self.serial:05}"}
        return {name: value for name, value in person(self.units, **{**numbers, **changes}).items() if name != "schema"}

    def staged(self, *documents: Document, keys: Sequence[UUID] = (), actor: str = "clerk", title: str = "Cập nhật quý IV") -> Staged:
        proposals = [
            Proposal(kind="staff_profile", key=key, patch=document, ref=ref)
            for ref, (key, document) in enumerate(zip(keys or [uuid4() for _ in documents], documents, strict=True), start=1)
        ]
        return request_stage(actor=self.users[actor], unit=self.units["agency"], title=title, proposals=proposals)

    def ready(self, *documents: Document, **more: Any) -> ChangeRequest:
        staged = self.staged(*documents, **more)
        assert staged.request is not None, staged.returned
        return staged.request

    def submitted(self, *documents: Document, **more: Any) -> ChangeRequest:
        return request_submit(actor=self.users["clerk"], request_id=self.ready(*documents, **more).pk)

    def hired(self, **changes: Any) -> StaffProfile:
        """A person on file, whose first version came through the gate by a check of the program."""
        key = uuid4()
        staged = request_stage(
            actor=None,
            system="test",
            allowed=OrgUnit.objects.all(),
            unit=self.units["agency"],
            title="Nạp ban đầu",
            proposals=[Proposal(kind="staff_profile", key=key, patch=self.document(**changes))],
        )
        assert staged.request is not None, staged.returned
        request_submit(actor=None, request_id=staged.request.pk, system_stage="test")
        request_approve_by_system(request_id=staged.request.pk)
        with connection.cursor() as cursor:
            # Applying checks everything at its end; within a test's one transaction that would stay so for the next one.
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        request_apply(request_id=staged.request.pk)
        return StaffProfile.objects.get(pk=key)

    def client(self, name: str) -> Client:
        client = Client()
        client.force_login(self.users[name])
        return client
