"""Loads the demonstration through the front door: logins, certificates, and two initial-load requests with real signatures.

Nothing is written past the gate. Units are staged by one administrator and approved by the other, since no unit exists yet on
which anybody could hold a grant; people are staged by the province's officer and approved by the supervisor. Every step can
be repeated: a seed that was cut off goes on where it stopped, and a finished one says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.contrib.auth.hashers import make_password

from accounts.services.superusers import superuser_confirm, superuser_propose, terms_now
from config.demo import pki
from config.demo.people import login_person, people
from config.demo.province import DEMO_COMMUNE, ROOT_CODE, commune_code, unit_key, units, units_by_code
from orgtree.choices import Role
from orgtree.models import Grant, OrgUnit, User
from orgtree.services.areas import areas_load
from registry.models import StaffProfile
from registry.services.codes import codes_load
from signing_agent.sign import sign_manifest
from workflows.choices import GrantState, RequestState
from workflows.models import ChangeRequest, GrantChange
from workflows.services.applying import request_apply
from workflows.services.approval import manifest_prepare, request_approve
from workflows.services.grants import grant_change_confirm, grant_propose
from workflows.services.staging import Proposal, request_stage
from workflows.services.submission import request_submit

PASSWORD = "HoSo-demo-2026"  # noqa: S105 - known to everybody, and refused outside demonstrations
PIN = "123456"
UNITS_TITLE = "Nạp ban đầu: cây tổ chức tỉnh Đắk Lắk"
PEOPLE_TITLE = "Nạp ban đầu: hồ sơ cán bộ, công chức, viên chức tỉnh Đắk Lắk"
GRANTS_FROM, GRANTS_TO = date(2025, 7, 1), date(2027, 7, 1)
GRANTS_REASON = "Quyết định 12/QĐ-UBND"

Tell = Callable[[str], None]


class SeedRefused(Exception):
    """The database or the settings are not a demonstration's; the message says which."""


@dataclass(frozen=True)
class Login:
    """Somebody who can log in. `unit` is the code of the unit on which the role is held; administrators hold no role."""

    username: str
    name: str
    task: str
    personal_number: str
    role: Role | None = None
    unit: str = ""

    @property
    def certificate(self) -> Path:
        return settings.VAR_DIRECTORY / "pki" / f"{self.username}.p12"


@cache
def logins() -> tuple[Login, ...]:
    """The demo's logins; those with a file of their own carry its personal number."""
    roles = {
        "lan": ("chuyên viên xã Ea Knốp", Role.CLERK, commune_code(DEMO_COMMUNE)),
        "minh": ("người phê duyệt", Role.SUPERVISOR, ROOT_CODE),
        "hoa": ("cán bộ Sở Nội vụ", Role.OFFICER, ROOT_CODE),
        "tuan": ("người vận hành kết nối", Role.OPERATOR, ROOT_CODE),
        "thu": ("kiểm toán", Role.AUDITOR, ROOT_CODE),
    }
    staff = {username: login_person(username).document for username in roles}
    return (
        *(
            Login(username, staff[username]["birth_name"], task, staff[username]["citizen_id"], role, unit)
            for username, (task, role, unit) in roles.items()
        ),
        Login("quantri", "Hoàng Văn Quản", "quản trị hệ thống", "066085900001"),
        Login("quantri2", "Vũ Thị Trị", "quản trị hệ thống", "066185900002"),
    )


def login(username: str) -> Login:
    return next(one for one in logins() if one.username == username)


def demo_seed(*, tell: Tell = lambda line: None, force: bool = False) -> bool:
    """Load what of the demo is missing; False when nothing was. Raises SeedRefused outside a demonstration."""
    _refuse_outside_demonstration(force)
    areas_load()
    codes_load()
    users = _users()
    _superusers_confirm(users)
    _certificates(tell)
    before = ChangeRequest.objects.filter(state=RequestState.APPLIED, title__in=(UNITS_TITLE, PEOPLE_TITLE)).count()
    if before < 2:
        _units_load(users, tell)
        _grants_give(users)
        _people_load(users, tell)
    _summary_write()
    return before < 2


def signed_approval(*, username: str, request_id: UUID) -> ChangeRequest:
    """Approve a request as `username`, signed with the person's own PKCS#12 file. Raises what the gate raises."""
    one = login(username)
    actor = User.objects.get(username=username)
    manifest = manifest_prepare(actor=actor, request_id=request_id)
    signature = sign_manifest(p12=one.certificate.read_bytes(), pin=PIN, manifest=bytes(manifest.body))
    return request_approve(actor=actor, manifest_digest=bytes(manifest.digest), signature=signature)


def _refuse_outside_demonstration(force: bool) -> None:
    if not (settings.DEBUG or settings.ENVIRONMENT.insecure_http or force):
        raise SeedRefused("this installation has neither DEBUG nor INSECURE_HTTP; the demo's passwords are public (--force overrides)")
    if settings.ROLE != "agency":
        raise SeedRefused("the demo's province is an agency; the hub receives it through the exchange")
    strangers = OrgUnit.objects.exclude(pk__in=[unit.key for unit in units()])
    if not OrgUnit.objects.filter(pk=unit_key(ROOT_CODE)).exists() and (strangers.exists() or StaffProfile.objects.exists()):
        raise SeedRefused("the database already holds units or people that are not the demo's")


def _users() -> dict[str, User]:
    password = make_password(PASSWORD)
    for one in logins():
        family, _, given = one.name.rpartition(" ")
        superuser = one.role is None
        User.objects.get_or_create(
            username=one.username,
            defaults={
                "first_name": given,
                "last_name": family,
                "personal_number": one.personal_number,
                "password": password,
                "is_superuser": superuser,
                "is_staff": superuser,
            },
        )
    return {user.username: user for user in User.objects.filter(username__in=[one.username for one in logins()])}


def _superusers_confirm(users: dict[str, User]) -> None:
    """Each of the two administrators asks for a term, and the other confirms it."""
    for one, other in (("quantri", "quantri2"), ("quantri2", "quantri")):
        if not terms_now().filter(user=users[one]).exists():
            term = superuser_propose(actor=users[one], user=users[one], valid_to=GRANTS_TO, reason=GRANTS_REASON)
            superuser_confirm(actor=users[other], term_id=term.pk)


def _certificates(tell: Tell) -> None:
    organization = units_by_code()[ROOT_CODE].name
    holders = [
        pki.Person(
            login=one.username,
            name=one.name,
            personal_number=one.personal_number,
            organization=organization,
            organization_identifier=settings.AUTHORITY,
        )
        for one in logins()
    ]
    # The organisation's own certificate, with which whoever operates the exchange puts the seal where a route asks for it.
    holders.append(pki.Person("seal", organization, personal_number="", organization=organization, organization_identifier=settings.AUTHORITY))
    pki.issue_certificates(holders, directory=settings.VAR_DIRECTORY, pin=PIN, trust=settings.TRUST_DIRECTORY)
    tell(f"{len(holders) - 1} logins with certificates, and the organisation's own (seal.p12)")


def _units_load(users: dict[str, User], tell: Tell) -> None:
    proposals = (Proposal(kind="org_unit", key=unit.key, patch=unit.document, ref=ref) for ref, unit in enumerate(units(), start=1))
    request = _through_the_gate(author=users["quantri"], approver="quantri2", unit=None, title=UNITS_TITLE, proposals=proposals)
    tell(f"{request.count} units, request {request.number}")


def _people_load(users: dict[str, User], tell: Tell) -> None:
    root = OrgUnit.objects.get(pk=unit_key(ROOT_CODE))
    proposals = (Proposal(kind="staff_profile", key=one.key, patch=one.document, ref=ref) for ref, one in enumerate(people(), start=1))
    request = _through_the_gate(author=users["hoa"], approver="minh", unit=root, title=PEOPLE_TITLE, proposals=proposals)
    tell(f"{request.count} people, request {request.number}")


def _through_the_gate(*, author: User, approver: str, unit: OrgUnit | None, title: str, proposals: Iterable[Proposal]) -> ChangeRequest:
    """Stage, submit, approve with a signature, apply; an unfinished request of an earlier run is taken up where it stands."""
    unfinished = (RequestState.READY, RequestState.IN_REVIEW, RequestState.APPROVED, RequestState.APPLIED)
    request = ChangeRequest.objects.filter(author=author, title=title, state__in=unfinished).first()
    if request is None:
        staged = request_stage(actor=author, unit=unit, title=title, proposals=proposals)
        if staged.request is None or staged.returned:
            raise SeedRefused(f"the rules return {len(staged.returned)} records of the demo: {[*staged.returned.values()][:3]}")
        request = staged.request
    if request.state == RequestState.READY:
        request = request_submit(actor=author, request_id=request.pk)
    if request.state == RequestState.IN_REVIEW:
        request = signed_approval(username=approver, request_id=request.pk)
    # A worker may be applying it at this moment; whoever comes second finds it done.
    return request_apply(request_id=request.pk)


def _grants_give(users: dict[str, User]) -> None:
    """Proposed by one administrator, confirmed by the other."""
    for one in logins():
        if one.role is None or Grant.objects.filter(user=users[one.username], role=one.role).exists():
            continue
        unit = OrgUnit.objects.get(pk=unit_key(one.unit))
        period = {"valid_from": GRANTS_FROM, "valid_to": GRANTS_TO}
        change = GrantChange.objects.filter(user=users[one.username], role=one.role, unit=unit, state=GrantState.PROPOSED).first()
        change = change or grant_propose(actor=users["quantri"], user=users[one.username], role=one.role, unit=unit, reason=GRANTS_REASON, **period)
        grant_change_confirm(actor=users["quantri2"], change_id=change.pk)


def _summary_write() -> None:
    """What a person or a browser test needs to take part: `demo.json`, readable by its owner only."""
    path = settings.VAR_DIRECTORY / "demo.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps(summary(), ensure_ascii=False, indent=1), encoding="utf-8")


def summary() -> dict[str, object]:
    return {
        "password": PASSWORD,
        "pin": PIN,
        "commune": {"code": commune_code(DEMO_COMMUNE), "name": units_by_code()[commune_code(DEMO_COMMUNE)].name},
        "logins": [
            {"username": one.username, "name": one.name, "task": one.task, "unit": one.unit, "certificate": str(one.certificate)} for one in logins()
        ],
    }
