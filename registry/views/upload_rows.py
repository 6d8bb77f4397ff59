"""Whose rows they are, what would change, repairs by cause, and taking an upload back."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from orgtree.pages import page_view
from registry.choices import ChangeKind
from registry.models import UploadRepair
from registry.program_codes import PairsRefused, pair_keeper
from registry.selectors.upload_causes import cause_effects, cause_lines, other_lines, repair_lines
from registry.selectors.upload_changes import DATED_LATER, asked_of_people, change_page, field_totals, new_file_page
from registry.selectors.upload_pairs import unpaired_codes
from registry.selectors.upload_people import match_totals, missing_page, undecided_page
from registry.services.upload_days import day_give
from registry.services.upload_fixing import NEW_PERSON, people_choose, reason_give, repair_agree, repair_take_back
from registry.services.upload_pairing import codes_pair
from registry.services.upload_undo import undo_preview, upload_undo
from registry.views.uploads import place_of, upload_or_404, upload_page_of
from workflows.errors import GateError

LONGEST_TEXT = 100
MOST_REASONS = 5


@page_view
@require_http_methods(["GET", "POST"])
def upload_people(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """Rows that may be more than one person's: the reader decides, the program never."""
    upload = upload_or_404(request.user, upload_id)
    if request.method == "POST":
        choices = {
            int(name[4:]): _choice(value) for name, value in request.POST.items() if name.startswith("row-") and name[4:].isdecimal() and value
        }
        try:
            people_choose(actor=request.user, upload=upload, choices=choices)
        except (GateError, ValueError) as error:
            messages.error(request, str(error))
        else:
            said = ngettext("%(count)d row was decided.", "%(count)d rows were decided.", len(choices))
            messages.success(request, said % {"count": len(choices)})
        return redirect("registry:upload_people", upload.pk)
    rows, after = undecided_page(upload=upload, after=place_of(request))
    return upload_page_of(request, upload, "upload_people.html", "people", rows=rows, after=after, matches=match_totals(upload=upload))


@page_view
@require_GET
def upload_missing(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """Files of the unit that no row of the workbook is about. They are listed; nothing happens to them."""
    upload = upload_or_404(request.user, upload_id)
    name, key = request.GET.get("name", "")[:LONGEST_TEXT], request.GET.get("key", "")
    try:
        after = (name, str(UUID(key))) if key else None
    except ValueError:
        raise Http404 from None
    people, last = missing_page(upload=upload, after=after)
    return upload_page_of(request, upload, "upload_missing.html", "missing", people=people, last=last)


@page_view
@require_GET
def upload_changes(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """What would change: totals, and every cell before and after."""
    upload = upload_or_404(request.user, upload_id)
    only_new = upload.counts.get("new") and not upload.counts.get("changed")  # then there is nothing else to look at
    kind, text = request.GET.get("kind", "new" if only_new else ""), request.GET.get("q", "").strip()[:LONGEST_TEXT]
    field = request.GET.get("field", "")
    context = {"kind": kind, "text": text, "field": field, "kinds": ChangeKind}
    context["days"], context["asked"] = asked_of_people(upload=upload)
    if kind == "new":
        rows, after = new_file_page(upload=upload, text=text, after=place_of(request))
        return upload_page_of(request, upload, "upload_changes.html", "changes", new_files=rows, after=after, **context)
    cells, after = change_page(upload=upload, kind=kind, field=field, text=text, after=place_of(request))
    fields = field_totals(upload=upload, kind=kind)
    return upload_page_of(request, upload, "upload_changes.html", "changes", cells=cells, after=after, fields=fields, **context)


@page_view
@require_POST
def upload_reason(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """Say why verified values are overwritten."""
    upload = upload_or_404(request.user, upload_id)
    reason, row = request.POST.get("reason", "").strip(), request.POST.get("row", "")
    if not reason:
        messages.error(request, _("Say why, best with the number of the document that proves it."))
    else:
        try:
            reason_give(
                actor=request.user,
                upload=upload,
                field=request.POST.get("field", ""),
                reason=reason,
                row=int(row) if row.isdecimal() else None,
                undated="undated" in request.POST,
            )
        except GateError as error:
            messages.error(request, str(error))
    return redirect("registry:upload_changes", upload.pk)


@page_view
@require_POST
def upload_day(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """Say since when raises or posts hold that the workbook states without a day."""
    upload, code = upload_or_404(request.user, upload_id), request.POST.get("code", "")
    if code in DATED_LATER:
        try:
            day_give(actor=request.user, upload=upload, code=code, day=request.POST.get("day", "")[:20], decision=request.POST.get("decision", ""))
            messages.success(request, _("The day stands in these rows now; what they record is among the changes."))
        except GateError as error:
            messages.error(request, str(error))
    return redirect("registry:upload_changes", upload.pk)


@page_view
@require_GET
def upload_causes(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """What one decision would repair, what has been repaired so, and what has to be looked at one by one."""
    upload = upload_or_404(request.user, upload_id)
    wanted = tuple(request.GET.get(name, "") for name in ("field", "cause", "op"))
    lines = cause_lines(upload=upload)
    chosen = next((one for one in lines if (one.field, one.cause, one.op) == wanted), None)
    return upload_page_of(
        request,
        upload,
        "upload_causes.html",
        "causes",
        lines=lines,
        chosen=chosen,
        effects=cause_effects(upload=upload, field=chosen.field, cause=chosen.cause, op=chosen.op) if chosen else (),
        others=other_lines(upload=upload),
        repairs=repair_lines(upload=upload),
        unpaired=unpaired_codes(upload=upload) if upload.program_id else [],
        may_pair=upload.program_id is not None and pair_keeper().may_pair(request.user),
    )


@page_view
@require_POST
def upload_pair(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """Say what codes of the program mean: `pair` is "list.code of the program", `code` beside it ours, "" for not now."""
    upload = upload_or_404(request.user, upload_id)
    told = zip(request.POST.getlist("pair"), request.POST.getlist("code"), strict=False)
    chosen = {_pair_of(pair): code.strip() for pair, code in told if code.strip()}
    try:
        rows = codes_pair(actor=request.user, upload=upload, chosen=chosen)
    except PairsRefused as error:
        for reason in error.reasons[:MOST_REASONS]:
            messages.error(request, reason)
    except GateError as error:
        messages.error(request, str(error))
    else:
        said = ngettext("%(count)d row is read by the new pairs.", "%(count)d rows are read by the new pairs.", rows)
        messages.success(request, said % {"count": rows} + " " + _("Every workbook of this program is, from now on."))
    return redirect("registry:upload_causes", upload.pk)


@page_view
@require_POST
def upload_repair(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """Agree to the repair of a group, or take one back."""
    upload = upload_or_404(request.user, upload_id)
    back, sent = request.POST.get("back", ""), {name: request.POST.get(name, "") for name in ("field", "cause", "op")}
    try:
        if back.isdecimal():
            repair_take_back(actor=request.user, upload=upload, repair_id=int(back))
            messages.success(request, _("The repair was taken back; the cells are as they were sent."))
        else:
            cells = repair_agree(actor=request.user, upload=upload, **sent)
            said = ngettext("%(count)d row was repaired.", "%(count)d rows were repaired.", cells)
            messages.success(request, said % {"count": cells} + " " + _("It will be repaired so in the next file, too."))
    except UploadRepair.DoesNotExist:
        messages.warning(request, _("This repair had been taken back already."))
    except GateError as error:
        messages.error(request, str(error))
    return redirect("registry:upload_causes", upload.pk)


@page_view
@require_http_methods(["GET", "POST"])
def upload_take_back(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """What taking an applied upload back would do, and the request that does it."""
    upload = upload_or_404(request.user, upload_id)
    if request.method == "POST":
        try:
            staged = upload_undo(actor=request.user, upload=upload, reason=request.POST.get("reason", "").strip())
        except GateError as error:
            messages.error(request, str(error))
        else:
            if staged.request is not None:
                messages.success(request, _("The request that takes the workbook back is ready. Look at it once more, then submit it."))
                return redirect("workflows:request_detail", staged.request.pk)
            messages.error(request, _("Nothing could be taken back: other requests are changing these files. Wait until they have ended."))
        return redirect("registry:upload_take_back", upload.pk)
    return upload_page_of(request, upload, "upload_undo.html", "undo", undo=undo_preview(upload=upload))


def _pair_of(text: str) -> tuple[str, str]:
    name, _dot, theirs = text.partition(".")
    return name, theirs


def _choice(value: str) -> UUID | str:
    return NEW_PERSON if value == NEW_PERSON else UUID(value)
