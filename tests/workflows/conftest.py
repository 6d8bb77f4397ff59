"""The gate as its tests need it: a committing database, the toy kind, people with certificates of a demo authority."""

import uuid
from dataclasses import dataclass, field
from pathlib import Path

import pytest


@dataclass
class Gate:
    """Two people, one unit, and the moves that tests make again and again."""

    author: object
    approver: object
    unit: object
    keys: dict[str, bytes]
    notes: object
    serial: int = field(default=0)

    def found_authority(self) -> None:
        """The root unit, through the gate like everything else."""
        from orgtree.models import OrgUnit
        from workflows.services.staging import Proposal

        root = {"code": "H15", "name": "Tỉnh Đắk Lắk", "kind": "province", "valid_from": "2025-07-01"}
        self.applied(Proposal(kind="org_unit", key=self.key(), patch=root))
        self.unit = OrgUnit.objects.get()

    def key(self) -> uuid.UUID:
        self.serial += 1
        return uuid.UUID(int=0xA000_0000 + self.serial)

    def proposal(self, key=None, ref=0, base_version=None, **patch):
        from workflows.services.staging import Proposal

        key = key or self.key()
        return Proposal(
            kind="toy_note",
            key=key,
            ref=ref,
            base_version=base_version,
            patch={"name": f"Ghi chú {key.int % 10**6}", "unit": str(self.unit.pk), **patch},
        )

    def stage(self, *proposals, actor=None, title="Ghi chú mới"):
        from workflows.services.staging import request_stage

        return request_stage(actor=actor or self.author, unit=self.unit, title=title, proposals=proposals)

    def submitted(self, *proposals):
        from workflows.services.submission import request_submit

        staged = self.stage(*proposals)
        assert staged.request is not None, staged.returned
        return request_submit(actor=self.author, request_id=staged.request.pk)

    def sign(self, manifest, login="approver") -> bytes:
        from signing_agent.sign import sign_manifest

        return sign_manifest(p12=self.keys[login], pin="123456", manifest=bytes(manifest.body))

    def approve(self, request, excluded=()):
        from workflows.services.approval import manifest_prepare, request_approve

        manifest = manifest_prepare(actor=self.approver, request_id=request.pk, excluded=excluded)
        return request_approve(actor=self.approver, manifest_digest=bytes(manifest.digest), signature=self.sign(manifest))

    def applied(self, *proposals):
        from workflows.services.applying import request_apply

        request = self.submitted(*proposals)
        self.approve(request)
        return request_apply(request_id=request.pk)


@pytest.fixture(scope="module")
def gate(committed_db, tmp_path_factory):
    from django.conf import settings

    # Imported here: this file is read before Django is set up when a test below it is named on the command line.
    from config.demo.pki import Person, issue_certificates
    from orgtree.models import User
    from tests.workflows.toy import toy_kind

    folder: Path = tmp_path_factory.mktemp("pki")
    people = [
        Person(login, login, number, "Đắk Lắk", "H15")
        for login, number in (("author", "066090000001"), ("approver", "066080000002"), ("other", "066080000003"))
    ]
    files = issue_certificates(people, directory=folder, pin="123456", trust=folder / "trust")
    before, settings.TRUST_DIRECTORY = settings.TRUST_DIRECTORY, folder / "trust"
    users = {p.login: User.objects.create(username=p.login, last_name=p.name, personal_number=p.personal_number, is_superuser=True) for p in people}
    with toy_kind() as notes:
        gate = Gate(users["author"], users["approver"], None, {login: path.read_bytes() for login, path in files.items()}, notes)
        gate.found_authority()
        yield gate
    settings.TRUST_DIRECTORY = before
