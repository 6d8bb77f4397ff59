"""Marks "does not leave" on one person's file: proposed by one, confirmed by another, lifted the same way."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from orgtree import scope
from orgtree.caller import ip_of
from orgtree.choices import Action
from orgtree.pages import page, page_view
from registry.choices import Section
from registry.fields import SECTION_FIELDS, SECTION_LISTS, label_of
from registry.models import StaffProfile
from registry.selectors.texts import KIND
from registry.services.reads import file_open
from registry.views.staff import profile_or_404
from workflows.choices import MARKS_HOLD
from workflows.errors import GateError
from workflows.models import Mark
from workflows.services.marks import mark_decide, mark_lift_decide, mark_lift_propose, mark_propose

MOVES = {
    "confirm": lambda actor, mark_id, _reason: mark_decide(actor=actor, mark_id=mark_id, agreed=True),
    "refuse": lambda actor, mark_id, _reason: mark_decide(actor=actor, mark_id=mark_id, agreed=False),
    "lift": lambda actor, mark_id, reason: mark_lift_propose(actor=actor, mark_id=mark_id, reason=reason),
    "lift-confirm": lambda actor, mark_id, _reason: mark_lift_decide(actor=actor, mark_id=mark_id, agreed=True),
    "lift-refuse": lambda actor, mark_id, _reason: mark_lift_decide(actor=actor, mark_id=mark_id, agreed=False),
}


@page_view
@require_http_methods(["GET", "POST"])
def staff_marks(request: HttpRequest, key: UUID) -> HttpResponse:
    """The marks of the file, the form for a new one, and the decisions that wait for this reader."""
    profile = profile_or_404(request.user, key)
    if request.method == "POST":
        try:
            _move(request, profile)
        except Mark.DoesNotExist:
            raise Http404 from None
        except GateError as error:
            messages.error(request, str(error))
        return redirect("registry:staff_marks", key)
    file_open(actor=request.user, profile=profile, what="marks", address=ip_of(request))
    marks = list(
        Mark.objects.filter(kind=KIND, key=key).select_related("proposed_by", "decided_by", "lift_proposed_by", "lifted_by").order_by("-proposed_at")
    )
    return page(
        request,
        "registry/staff_marks.html",
        _("What does not leave"),
        profile=profile,
        standing=[(one, _part(one)) for one in marks if one.state in MARKS_HOLD],
        former=[(one, _part(one)) for one in marks if one.state not in MARKS_HOLD],
        may_propose=scope.can(request.user, Action.EDIT, profile.using_unit),
        may_decide=scope.can(request.user, Action.APPROVE, profile.using_unit),
        parts=_parts(),
    )


def _move(request: HttpRequest, profile: StaffProfile) -> None:
    sent, actor = request.POST, request.user
    if (move := MOVES.get(sent.get("move", ""))) is not None:
        try:
            mark = Mark.objects.get(pk=UUID(sent.get("mark", "")), kind=KIND, key=profile.pk)
        except ValueError:
            raise Mark.DoesNotExist from None
        move(actor, mark.pk, sent.get("reason", ""))
        return
    part = sent.get("part", "")
    if part and part not in {name for _label, names in _parts() for name, _text in names}:
        raise Mark.DoesNotExist
    said = {"reason": sent.get("reason", ""), "decision_number": sent.get("decision_number", "")}
    mark_propose(actor=actor, kind=KIND, key=profile.pk, unit=profile.using_unit, field=part, **said)
    messages.success(request, _("The mark holds from now on. Somebody who approves in this unit has to confirm it."))


def _parts() -> list[tuple[str, list[tuple[str, str]]]]:
    """Fields and lists to choose from, by section."""
    names = {section: [*SECTION_FIELDS[section], *(one.name for one in SECTION_LISTS[section])] for section in Section}
    return [(str(section.label), [(name, label_of(name)) for name in each]) for section, each in names.items()]


def _part(mark: Mark) -> str:
    return label_of(mark.field) if mark.field else _("The whole file")
