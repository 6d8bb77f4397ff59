"""The numbers of old identity cards (CMND, 9 digits) of one person: shown masked, recorded, and withdrawn where they are wrong."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from orgtree.caller import ip_of
from orgtree.choices import Action
from orgtree.pages import page, page_view
from registry.fields import FORMER_NUMBER
from registry.masking import hidden
from registry.models import FormerNumber, StaffProfile
from registry.selectors.former_numbers import former_numbers, old_card_number
from registry.services.former_numbers import former_number_propose, former_number_withdraw
from registry.services.reads import file_open
from registry.targets.former_numbers import FormerNumberTarget
from registry.views.staff import profile_or_404
from workflows.choices import ReadReason
from workflows.errors import GateError
from workflows.selectors.findings import FindingLine, finding_line
from workflows.services.staging import Staged
from workflows.targets import target

TYPED = {"number": 20, "issued_on": 10, "issued_by": 200, "source": 300}


@page_view
@require_http_methods(["GET", "POST"])
def staff_former_numbers(request: HttpRequest, key: UUID) -> HttpResponse:
    """What is recorded and the form for one more; sent, on to the request that it became."""
    profile = profile_or_404(request.user, key, Action.EDIT)
    remarks: list[FindingLine] = []
    problem = ""
    if request.method == "POST":
        try:
            staged = _propose(request, profile)
        except GateError as error:
            problem = str(error)
        else:
            if staged.request is not None:
                messages.success(request, _("Your change is ready. Look at it once more, then submit it."))
                return redirect("workflows:request_detail", staged.request.pk)
            remarks = _remarks(staged)
            problem = "" if remarks else _("Nothing has been changed: this number is recorded already.")
    file_open(actor=request.user, profile=profile, what="former", address=ip_of(request))
    context = {
        "profile": profile,
        "entries": [(one, hidden(one.number)) for one in former_numbers(profile)],
        "field": FORMER_NUMBER,
        "reasons": ReadReason.choices,
        "typed": {name: request.POST.get(name, "")[:most] for name, most in TYPED.items()},
        "remarks": remarks,
        "problem": problem,
    }
    return page(request, "registry/staff_former.html", _("Old identity cards"), status=422 if remarks or problem else 200, **context)


def _propose(request: HttpRequest, profile: StaffProfile) -> Staged:
    """Raises GateError, and Http404 for an entry of somebody else."""
    sent = request.POST
    if "entry" in sent:
        entry = FormerNumber.objects.filter(staff=profile, pk=_uuid(sent["entry"]), withdrawn=None).first()
        if entry is None:
            raise Http404
        return former_number_withdraw(actor=request.user, profile=profile, entry=entry, reason=sent.get("reason", ""))
    typed = {name: sent.get(name, "").strip()[:most] for name, most in TYPED.items()}
    return former_number_propose(
        actor=request.user,
        profile=profile,
        number=old_card_number(typed["number"]) or typed["number"],
        issued_on=_day(typed["issued_on"]),
        issued_by=typed["issued_by"],
        source=typed["source"],
    )


def _remarks(staged: Staged) -> list[FindingLine]:
    kind = target(FormerNumberTarget.kind)
    found = [one for many in staged.returned.values() for one in many]
    return [finding_line(kind, code=one.code, severity=one.severity, field=one.field, value=one.value) for one in found]


def _day(text: str) -> date | None:
    """What the browser's field of a day sends; it sends nothing else."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
