"""A draft before it is sent: all that changes, what follows from it, what is wrong, and what happens next; then the request itself."""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from orgtree.pages import page, page_view
from registry.masking import CLASS_A, hidden
from registry.schema import STAFF_PROFILE
from registry.selectors.drafts import Written, draft_write, section_of
from registry.selectors.judging import Remark, request_in_the_way
from registry.selectors.texts import KIND
from registry.services import drafts
from registry.services.decisions import decision_take_up
from registry.views.editing import Desk, consequences, desk_or_404, moved_by, navigation, sections_of
from workflows.choices import Act, Op
from workflows.errors import GateError
from workflows.models import ChangeRequest
from workflows.selectors.differences import FieldChange, document_changes
from workflows.selectors.findings import finding_line
from workflows.services.outlook import Ahead, route_outlook
from workflows.services.staging import Staged
from workflows.targets import target

_DAY = re.compile(r"(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4})")


@page_view
@require_http_methods(["GET", "POST"])
def edit_review(request: HttpRequest, key: UUID, act: str) -> HttpResponse:
    """The whole draft on one page. `later` makes the request without handing it in, so that papers can be attached first."""
    desk = desk_or_404(request.user, key, act)
    problem, status = "", 200
    if request.method == "POST":
        sent, problem = _send(request, desk)
        if sent is not None and sent.request is not None:
            return _sent(request, desk, sent.request)
        problem = problem or _why(sent)
        status = 422
    written = draft_write(base=desk.base, cells=desk.cells, act=desk.act, actor=desk.user, profile=desk.profile)
    remarks = desk.remarks(written)
    changed = STAFF_PROFILE.changed(desk.base, written.typed)
    context = {
        "desk": desk,
        "profile": desk.profile,
        "act": desk.act,
        "sections": navigation(desk, remarks, None),
        "first": sections_of(desk.act)[0],
        "changes": _shown(desk, document_changes(KIND, desk.base, written.typed)) if changed else [],
        "follows": consequences(desk, written),
        "errors": [one for one in remarks if one.is_error],
        "warnings": [one for one in remarks if not one.is_error],
        "places": _places(desk, remarks),
        "moved": moved_by(desk),
        "busy": request_in_the_way(profile=desk.profile),
        "ahead": _ahead(desk, written),
        "problem": problem,
        "reason": request.POST.get("reason", desk.draft.reason if desk.draft else ""),
        "effective_on": request.POST.get("effective_on", ""),
    }
    return page(request, "registry/edit/review.html", _("Look once more, and send"), status=status, **context)


@page_view
@require_POST
def take_up(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Go on with the draft from which a returned or withdrawn request was made."""
    one = get_object_or_404(ChangeRequest, pk=request_id, author=request.user)
    if (decision := decision_take_up(actor=request.user, request=one)) is not None:
        return redirect("registry:decision", decision.pk)
    try:
        draft = drafts.draft_take_up(actor=request.user, request=one)
    except drafts.NothingChanged:
        raise Http404 from None
    except GateError:
        messages.error(request, _("A newer draft of this file is open; it has not been touched."))
        return redirect("workflows:request_detail", request_id)
    return redirect("registry:edit_review", draft.key, draft.act)


def _send(request: HttpRequest, desk: Desk) -> tuple[Staged | None, str]:
    """What became of it, or why nothing did."""
    try:
        staged = drafts.draft_send(
            actor=request.user,
            profile=desk.profile,
            act=desk.act,
            reason=request.POST.get("reason", "")[:1000],
            effective_on=_day(request.POST.get("effective_on", "")),
            submit="later" not in request.POST,
        )
    except drafts.NothingChanged:
        return None, _("Nothing has been changed yet.")
    except drafts.MovedOn:
        return None, _("The file has changed since this draft was begun. Bring the draft to the present version first.")
    except GateError as error:
        return None, str(error)
    return staged, ""


def _sent(request: HttpRequest, desk: Desk, made: ChangeRequest) -> HttpResponse:
    if "later" in request.POST:
        messages.success(request, _("The request is ready. Attach what belongs to it, then submit it."))
    else:
        messages.success(request, _("The request has been submitted. Its approver finds it under “Waiting for my decision”."))
    if desk.act == Act.OWN:
        return redirect("registry:mine_request", made.pk)
    return redirect("workflows:request_detail", made.pk)


def _why(sent: Staged | None) -> str:
    """What the gate itself refuses, beside what the rules say of fields."""
    if sent is None:
        return ""
    lines = [
        finding_line(target(KIND), code=one.code, severity=one.severity, field=one.field, value=one.value)
        for found in sent.returned.values()
        for one in found
        if not one.field
    ]
    return " ".join(f"{line.message} {line.repair}" for line in lines) or _(
        "The change cannot be submitted yet. What to repair stands beside the fields."
    )


def _shown(desk: Desk, changes: list[FieldChange]) -> list[FieldChange]:
    """What stood in a masked field is not told to somebody who never asked to see it; what they wrote themself is."""
    told = [section for section in sections_of(desk.act) if desk.is_revealed(section)]

    def each(one: FieldChange) -> FieldChange:
        if one.name not in CLASS_A or section_of(one.name) in told:
            return one
        return FieldChange(one.name, one.label, [hidden(text) for text in one.before], one.after)

    return [each(one) for one in changes]


def _places(desk: Desk, remarks: list[Remark]) -> dict[str, Any]:
    """The section in which each remark is repaired, by the name of its cell."""
    return {one.name: section_of(one.name) or section_of(f"{one.name.partition('.')[0]}.0.gone") for one in remarks}


def _ahead(desk: Desk, written: Written) -> list[Ahead]:
    """The stages to come; nothing while nothing changes, or where no route is in force (the sending then says so)."""
    changed = STAFF_PROFILE.changed(desk.base, written.document)
    if not changed:
        return []
    try:
        op = Op.CREATE if desk.is_new else Op.UPDATE
        return route_outlook(actor=desk.user, kind=KIND, unit=desk.profile.using_unit, changed=changed, op=op, act=desk.act)
    except GateError:
        return []


def _day(text: str) -> date | None:
    """A day as people write it, 31/12/2026; nothing for nothing. Raises DayUnreadable."""
    found = _DAY.fullmatch(text.strip())
    if not text.strip():
        return None
    try:
        if found is None:
            raise ValueError
        return date(int(found[3]), int(found[2]), int(found[1]))
    except ValueError:
        raise DayUnreadable from None


class DayUnreadable(GateError):
    code = "DAY_UNREADABLE"
    text = gettext_lazy("The day on which it takes effect cannot be read. Write it as 31/12/2026, or leave it empty.")
