"""Writing a draft, and sending it through the gate. A draft that somebody else's window or somebody else's change has overtaken says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import translation
from django.utils.translation import gettext as _

from orgtree import clock
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from registry.choices import Editor, Section
from registry.fields import BY_NAME, LIST_BY_NAME, SECTION_FIELDS, SECTION_LISTS
from registry.masking import CLASS_A
from registry.models import Confirmation, Draft, StaffProfile
from registry.schema import STAFF_PROFILE
from registry.selectors.drafts import (
    base_of,
    base_texts,
    cell_parts,
    document_at,
    draft_get,
    draft_write,
    file_being_written,
    of_file,
    section_of,
)
from registry.selectors.mine import is_own_file
from registry.selectors.profile import profile_get
from registry.selectors.texts import KIND
from workflows.choices import Act, ReadAction, ReadReason, RequestState
from workflows.documents import Document, canonical
from workflows.errors import GateError, NotAllowed
from workflows.models import ChangeRequest
from workflows.services.audit import audit
from workflows.services.reads import read_record
from workflows.services.staging import Proposal, Staged, request_stage
from workflows.services.submission import request_submit

# A request that ended so gives its content back to the draft from which it was made.
TAKEN_UP_AGAIN = (RequestState.RETURNED, RequestState.WITHDRAWN, RequestState.CONFLICT, RequestState.EXPIRED, RequestState.RECALLED)
Cells = Mapping[str, str]


class SavedElsewhere(Exception):
    """Another window of the same user has saved this section, or this decision, since this one was opened: `at` is when."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        super().__init__(at)


@dataclass(frozen=True)
class Opened:
    """What a window knows of that which it saves: the revision it was opened with, its own name, its how many-th save, and the file's version."""

    revision: int
    window: str = ""
    tick: int = 0
    base_version: int = 0


class MovedOn(Exception):
    """The file has a newer version than the one the draft was begun on."""


class NothingChanged(Exception):
    """The draft changes nothing."""


@dataclass(frozen=True)
class Rebased:
    """A draft brought to the file's present version. `conflicts` are cells that somebody else changed meanwhile, too; the draft's stands."""

    draft: Draft
    conflicts: Sequence[str]


def profile_for(*, user: User, key: Any, act: Act) -> StaffProfile:
    """The file that `user` may change by `act`: their own by a declaration, else one where they may edit, or one that they are writing anew.

    Raises StaffProfile.DoesNotExist.
    """
    if act == Act.OWN:
        return own_profile(user=user, pk=key)
    try:
        return profile_get(user=user, key=key, action=Action.EDIT)
    except StaffProfile.DoesNotExist:
        if act != Act.RECORD:
            raise
        return file_being_written(user=user, key=key)


def own_profile(*, user: User, **more: Any) -> StaffProfile:
    """The file with the personal number of the user's account. Raises StaffProfile.DoesNotExist where there is none."""
    if not user.personal_number or not user.is_active:
        raise StaffProfile.DoesNotExist
    return StaffProfile.objects.select_related("using_unit", "managing_agency").get(citizen_id=user.personal_number, **more)


def draft_save(*, actor: User, profile: StaffProfile, act: Act, section: Section, opened: Opened, read: Callable[[Draft], Cells]) -> Draft:
    """Keep what was typed in one section; `read` makes its cells, given the draft that they belong to.

    Raises SavedElsewhere, and MovedOn where the draft is begun on a version that is no longer the present one. What a window sent
    before its latest save and comes in after it is passed over.
    """
    with transaction.atomic():
        draft = _locked(actor, profile, act)
        if draft is None:
            if opened.base_version != profile.version:
                raise MovedOn
            draft = Draft(user=actor, staff=profile, act=act, base_version=opened.base_version, saved_at=clock.now())
        revision, window, tick = draft.revisions.get(section, (0, "", 0))
        if draft.base_version != opened.base_version or (revision != opened.revision and (not window or window != opened.window)):
            raise SavedElsewhere(draft.saved_at)
        if window and window == opened.window and opened.tick <= tick:
            return draft
        others = {name: text for name, text in draft.cells.items() if section_of(name) != section}
        draft.cells = {**others, **read(draft)}
        draft.revisions = {**draft.revisions, section: [revision + 1, opened.window, opened.tick]}
        draft.saved_at = clock.now()
        try:
            with transaction.atomic():
                draft.save()
        except IntegrityError:  # another window began the draft at this very moment
            raise SavedElsewhere(clock.now()) from None
    return draft


def revision_of(draft: Draft | None, section: Section) -> int:
    """How often the section was saved."""
    return int(draft.revisions.get(section, (0,))[0]) if draft else 0


def draft_discard(*, actor: User, profile: StaffProfile, act: Act) -> None:
    """Throw away what was not sent."""
    Draft.objects.filter(of_file(profile), user=actor, act=act, request=None).delete()


def draft_reveal(*, actor: User, profile: StaffProfile, act: Act, section: Section, address: str | None) -> Draft:
    """Show the masked values of a section in the form from now on; recorded in the read log, as every later opening is."""
    with transaction.atomic():
        draft = _locked(actor, profile, act)
        if draft is None:
            draft = Draft(user=actor, staff=profile, act=act, base_version=profile.version, saved_at=clock.now())
        draft.revealed = sorted({*draft.revealed, section.value})
        draft.save()
        reveal_record(actor=actor, profile=profile, section=section, address=address)
    return draft


def reveal_record(*, actor: User, profile: StaffProfile, section: Section, address: str | None) -> None:
    """A line in the read log for each masked field and list of a section whose values are about to be shown in a form."""
    record = [(profile.pk, profile.using_unit_id)]
    for name in (*SECTION_FIELDS[section], *(one.name for one in SECTION_LISTS[section])):
        if name in CLASS_A:
            read_record(actor=actor, action=ReadAction.REVEAL, kind=KIND, records=record, what=name, reason=ReadReason.PREPARE, address=address)


def draft_rebase(*, actor: User, profile: StaffProfile, act: Act) -> Rebased:
    """Put what was typed over the file's present version. A changed row that is no longer there becomes a new one; nothing typed is lost."""
    with transaction.atomic():
        draft = _locked(actor, profile, act)
        if draft is None or not profile.version:
            raise NothingChanged
        old, new = document_at(key=profile.pk, version=draft.base_version), document_at(key=profile.pk, version=profile.version)
        cells, conflicts = _moved(draft.cells, old, new)
        draft.cells, draft.base_version, draft.saved_at = cells, profile.version, clock.now()
        draft.revisions = {section: [count + 1, "", 0] for section, (count, _window, _tick) in draft.revisions.items()}
        draft.save()
    return Rebased(draft, conflicts)


def draft_send(*, actor: User, profile: StaffProfile, act: Act, reason: str = "", effective_on: date | None = None, submit: bool = True) -> Staged:
    """Make a change request of the draft, and hand it in if nothing is wrong with it.

    Raises NothingChanged, MovedOn, NotAllowed, and what staging and submitting raise; findings come back in `returned`.
    """
    with transaction.atomic():
        draft = _locked(actor, profile, act)
        if draft is None or not draft.cells:
            raise NothingChanged
        if draft.base_version != profile.version:
            raise MovedOn
        base = base_of(profile, draft.base_version)
        written = draft_write(base=base, cells=draft.cells, act=act, actor=actor, profile=profile)
        if written.problems:
            raise NothingReadable(len(written.problems))
        patch = {name: written.document[name] for name in STAFF_PROFILE.changed(base if profile.version else None, written.document)}
        if not patch:
            raise NothingChanged
        if act == Act.OWN:
            _is_theirs(patch, profile, actor)
        staged = request_stage(
            actor=actor,
            unit=profile.using_unit,
            title=request_title(act if profile.version else None, profile.birth_name),
            proposals=[Proposal(kind=KIND, key=profile.pk, patch=patch, base_version=draft.base_version, ref=1)],
            allowed=OrgUnit.objects.filter(pk=profile.using_unit_id) if act == Act.OWN else None,
            act=act,
            reason=reason,
        )
        if staged.request is not None:
            if submit:
                request_submit(actor=actor, request_id=staged.request.pk, effective_on=effective_on)
                staged.request.refresh_from_db()
            Draft.objects.filter(pk=draft.pk).update(request=staged.request, reason=reason.strip(), saved_at=Now())
    return staged


class NothingReadable(GateError):
    """Cells that cannot be read keep a draft from being sent."""

    code = "UNREADABLE"

    def __init__(self, count: int) -> None:
        super().__init__(_("Some of what was typed cannot be read yet; what to repair stands beside the fields."), count=count)


def draft_take_up(*, actor: User, request: ChangeRequest) -> Draft:
    """Open the draft again from which a request was made that came to nothing. Raises NotAllowed, and NothingChanged without a draft.

    A draft that the author has begun meanwhile is not overwritten: it stands, and NotAllowed is raised.
    """
    with transaction.atomic():
        draft = Draft.objects.select_for_update(of=["self"]).select_related("staff").filter(request=request, user=actor).first()
        if draft is None:
            raise NothingChanged
        overtaken = draft.staff is not None and draft_get(user=actor, profile=draft.staff, act=Act(draft.act)) is not None
        if request.state not in TAKEN_UP_AGAIN or overtaken:
            raise NotAllowed
        draft.request, draft.saved_at = None, clock.now()
        draft.save(update_fields=["request", "saved_at"])
    return draft


def nothing_has_changed(*, actor: User, profile: StaffProfile) -> Confirmation:
    """Record that a person has looked at their own file and found it right as it is. Once a day and version. Raises NotAllowed."""
    if not is_own_file(user=actor, profile=profile):
        raise NotAllowed
    with transaction.atomic():
        said = Confirmation.objects.filter(staff=profile, user=actor, version=profile.version).order_by("-confirmed_at").first()
        if said is not None and said.confirmed_at.astimezone(clock.ZONE).date() == clock.now().astimezone(clock.ZONE).date():
            return said
        confirmation = Confirmation.objects.create(staff=profile, user=actor, version=profile.version)
        audit(actor=actor, action="profile.confirmed", unit=profile.using_unit, kind=KIND, key=profile.pk, version=profile.version)
    return confirmation


def request_title(act: Act | None, name: str) -> str:
    """What the request is called and what is signed: the act by its verb, in the language of the administration; None makes the file."""
    with translation.override(settings.LANGUAGE_CODE):
        titles = {
            None: _("New file of {name}"),
            Act.CORRECT: _("Correction in the file of {name}"),
            Act.RECORD: _("Change recorded in the file of {name}"),
            Act.OWN: _("Declaration of {name} about their own file"),
        }
        return titles[act].format(name=name)


def _is_theirs(patch: Mapping[str, Any], profile: StaffProfile, actor: User) -> None:
    """The wall behind the form: a declaration holds fields of the person alone, and its file is the declarer's. Raises NotAllowed."""
    described = [BY_NAME.get(name) or LIST_BY_NAME[name] for name in patch]
    if not is_own_file(user=actor, profile=profile) or any(one.editor != Editor.PERSON for one in described):
        raise NotAllowed


def _locked(actor: User, profile: StaffProfile, act: Act) -> Draft | None:
    return Draft.objects.select_for_update().filter(of_file(profile), user=actor, act=act, request=None).first()


def _moved(cells: Cells, old: Document, new: Document) -> tuple[dict[str, str], list[str]]:
    before, now = base_texts(old), base_texts(new)
    moved: dict[str, str] = {}
    conflicts: list[str] = []
    places = {rows: _places(old[rows], new[rows]) for rows in LIST_BY_NAME}
    rescued: dict[tuple[str, str], str] = {}
    for name, text in cells.items():
        parts = cell_parts(name)
        if parts is None:
            if now[name] != text:
                moved[name] = text
            if now[name] not in (before[name], text):
                conflicts.append(name)
            continue
        rows, row_id, column = parts
        if row_id.startswith("n"):
            moved[name] = text
        elif (place := places[rows].get(int(row_id))) is not None:
            moved[f"{rows}.{place}.{column}"] = text
        elif column != "gone":
            number = rescued.setdefault((rows, row_id), _free(rows, cells, len(rescued)))
            moved[f"{rows}.{number}.{column}"] = text
            conflicts.append(f"{rows}.{number}.{column}")
    for (rows, row_id), number in rescued.items():
        # The untouched cells of a row that is no longer there come along, so that it can be read as a whole.
        for described in LIST_BY_NAME[rows].columns:
            moved.setdefault(f"{rows}.{number}.{described.name}", before[f"{rows}.{row_id}.{described.name}"])
    return moved, conflicts


def _places(old: Sequence[Document], new: Sequence[Document]) -> dict[int, int]:
    """Where each old row stands now; rows that are gone are left out."""
    there = {canonical(row): place for place, row in enumerate(new)}
    return {place: there[canonical(row)] for place, row in enumerate(old) if canonical(row) in there}


def _free(rows: str, cells: Cells, already: int) -> str:
    taken = [int(parts[1][1:]) for name in cells if (parts := cell_parts(name)) and parts[0] == rows and parts[1].startswith("n")]
    return f"n{max(taken, default=0) + already + 1}"
