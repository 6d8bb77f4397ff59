"""Writing one decision about many people, and sending it as one request: all of them or nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orgtree import clock
from orgtree.models import User
from registry.choices import DecisionKind
from registry.models import DecisionDraft
from registry.schema import STAFF_PROFILE
from registry.selectors.decisions import LAYOUTS, MOST_PEOPLE, Line, common_unit, decision_lines, files_editable, line_begun
from registry.selectors.texts import KIND
from registry.services.drafts import TAKEN_UP_AGAIN, Opened, SavedElsewhere
from workflows.choices import Act
from workflows.errors import GateError
from workflows.models import ChangeRequest
from workflows.rules import Found
from workflows.services.staging import Proposal, request_stage
from workflows.services.submission import request_submit


class DecisionIncomplete(GateError):
    code = "DECISION_INCOMPLETE"
    text = gettext_lazy("The decision cannot be sent yet. What to repair stands beside the people and fields.")


class DecisionTooWide(GateError):
    code = "DECISION_TOO_WIDE"
    text = gettext_lazy("These people have no unit above all of them in which you may edit. Make one decision for each unit.")


class TooManyPeople(GateError):
    code = "TOO_MANY_PEOPLE"

    def __init__(self) -> None:
        text = _("A decision made here has {limit} people at most. Send the rest in a second one, or as a workbook.")
        super().__init__(text.format(limit=MOST_PEOPLE))


class PeopleRefused(GateError):
    """The gate refuses some of the people: by key of the file, what it found. Nothing was made."""

    code = "PEOPLE_REFUSED"

    def __init__(self, found: Mapping[UUID, Sequence[Found]]) -> None:
        self.found = found
        super().__init__(_("Some of these people cannot be changed now; the reasons stand beside them."))


def decision_begin(*, actor: User, kind: DecisionKind, keys: Sequence[UUID] = ()) -> DecisionDraft:
    """A new draft, with the people who were picked already."""
    with transaction.atomic():
        draft = DecisionDraft.objects.create(user=actor, kind=kind, saved_at=clock.now())
        return people_add(actor=actor, draft=draft, keys=keys)


def people_add(*, actor: User, draft: DecisionDraft, keys: Sequence[UUID]) -> DecisionDraft:
    """Those of `keys` whom the actor may edit and who do not stand in the draft yet. Raises TooManyPeople."""
    with transaction.atomic():
        draft = _locked(draft)
        profiles = [one for one in files_editable(user=actor, keys=keys) if str(one.pk) not in draft.lines]
        if len(draft.lines) + len(profiles) > MOST_PEOPLE:
            raise TooManyPeople
        begun = {str(one.pk): line_begun(kind=DecisionKind(draft.kind), profile=one) for one in profiles}
        return _keep(draft, lines={**draft.lines, **begun}, window="", tick=0)


def person_remove(*, draft: DecisionDraft, key: UUID) -> DecisionDraft:
    with transaction.atomic():
        draft = _locked(draft)
        return _keep(draft, lines={one: line for one, line in draft.lines.items() if one != str(key)}, window="", tick=0)


def decision_save(*, draft: DecisionDraft, sent: Mapping[str, str], opened: Opened | None = None) -> DecisionDraft:
    """Keep what was typed: "common.decision_number", and "<key of the file>.step" for each person.

    `opened` is what the window knows that saves; None for a caller that cannot be overtaken. Raises SavedElsewhere where another window
    saved since. What a window sent before its latest save and comes in after it is passed over.
    """
    layout = LAYOUTS[DecisionKind(draft.kind)]
    with transaction.atomic():
        draft = _locked(draft)
        if opened is not None:
            ours = bool(draft.window) and draft.window == opened.window
            if draft.revision != opened.revision and not ours:
                raise SavedElsewhere(draft.saved_at)
            if ours and opened.tick <= draft.tick:
                return draft
        common = {**draft.common, **{name: sent[f"common.{name}"].strip()[:200] for name in layout.common if f"common.{name}" in sent}}
        lines = {
            key: {**line, **{name: sent[f"{key}.{name}"].strip()[:300] for name in layout.own if f"{key}.{name}" in sent}}
            for key, line in draft.lines.items()
        }
        return _keep(draft, common=common, lines=lines, window=opened.window if opened else "", tick=opened.tick if opened else 0)


def decision_send(*, actor: User, draft: DecisionDraft, submit: bool) -> ChangeRequest:
    """One request of all the people. Raises DecisionIncomplete, DecisionTooWide, PeopleRefused, and what submitting raises."""
    with transaction.atomic():
        draft = _locked(draft)
        lines = decision_lines(draft=draft, user=actor)
        if not lines or len(lines) != len(draft.lines) or any(one.is_error for line in lines for one in line.remarks):
            raise DecisionIncomplete
        unit = common_unit([line.profile for line in lines], user=actor)
        if unit is None:
            raise DecisionTooWide
        proposals = [_proposal(ref, line) for ref, line in enumerate(lines, start=1)]
        title = decision_title(draft, len(lines))
        staged = request_stage(actor=actor, unit=unit, title=title, proposals=proposals, act=Act.RECORD)
        if staged.returned or staged.request is None:
            raise PeopleRefused({lines[ref - 1].profile.pk: found for ref, found in staged.returned.items()})
        if submit:
            request_submit(actor=actor, request_id=staged.request.pk)
            staged.request.refresh_from_db()
        DecisionDraft.objects.filter(pk=draft.pk).update(request=staged.request)
        return staged.request


def decision_discard(*, draft: DecisionDraft) -> None:
    draft.delete()


def decision_take_up(*, actor: User, request: ChangeRequest) -> DecisionDraft | None:
    """The draft from which a request was made that came to nothing, open again; None where there is none."""
    with transaction.atomic():
        draft = DecisionDraft.objects.select_for_update().filter(request=request, user=actor).first()
        if draft is not None and request.state in TAKEN_UP_AGAIN:
            draft.request, draft.saved_at = None, clock.now()
            draft.save(update_fields=["request", "saved_at"])
            return draft
    return None


def decision_title(draft: DecisionDraft, count: int) -> str:
    """What the request is called, in the language of the administration: the kind, the decision's number, how many people."""
    with translation.override(settings.LANGUAGE_CODE):
        kind = str(DecisionKind(draft.kind).label)
        return _("{kind}, decision {number}: {count} people").format(kind=kind, number=draft.common.get("decision_number", ""), count=count)


def _proposal(ref: int, line: Line) -> Proposal:
    patch = {name: line.written.document[name] for name in STAFF_PROFILE.changed(line.base, line.written.document)}
    return Proposal(kind=KIND, key=line.profile.pk, patch=patch, base_version=line.profile.version, ref=ref)


def _locked(draft: DecisionDraft) -> DecisionDraft:
    return DecisionDraft.objects.select_for_update().get(pk=draft.pk, request=None)


def _keep(draft: DecisionDraft, **changes: Any) -> DecisionDraft:
    """The draft with these changes, as another revision."""
    for name, value in {**changes, "revision": draft.revision + 1, "saved_at": clock.now()}.items():
        setattr(draft, name, value)
    draft.save()
    return draft
