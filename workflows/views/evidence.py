"""Scanned decisions of a request: attached and taken away by its author, looked at by whoever works on the request."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from orgtree import scope
from orgtree.caller import ip_of
from orgtree.choices import Action
from orgtree.models import User
from orgtree.pages import page_view
from workflows.choices import AttachmentKind, ReadAction
from workflows.errors import GateError
from workflows.evidence_files import path_of
from workflows.models import Attachment, ChangeRequest, RecordVersion
from workflows.selectors.differences import for_reading, item_changes
from workflows.selectors.requests import stage_to_decide
from workflows.selectors.sight import items_seen
from workflows.services.attachments import attachment_add, attachment_remove
from workflows.services.evidence import evidence_bundle
from workflows.services.reads import items_read, read_record
from workflows.views.requests import request_or_404

CONTENT_TYPES = {AttachmentKind.PDF: "application/pdf", AttachmentKind.JPEG: "image/jpeg", AttachmentKind.PNG: "image/png"}
# Nothing in the file may load or run anything. A browser shows no PDF at all inside `sandbox`, so PDF goes without that word alone.
POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; object-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@page_view
@require_POST
def add(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Attach one or more files; each that is refused says why, the others stay."""
    one = request_or_404(request.user, request_id)
    files, refused = request.FILES.getlist("file"), False
    if not files:
        messages.error(request, _("Choose a scanned decision (PDF, JPEG or PNG) first."))
    for file in files:
        try:
            attachment_add(actor=request.user, request_id=one.pk, file=file, name=file.name or "")
        except GateError as error:
            refused = True
            messages.error(request, f"{file.name}: {error}")
    return redirect(_address(one) + ("" if refused else "#evidence"))  # what was refused is said at the top of the page


@page_view
@require_POST
def remove(request: HttpRequest, request_id: UUID, attachment_id: UUID) -> HttpResponse:
    one = request_or_404(request.user, request_id)
    try:
        attachment_remove(actor=request.user, request_id=one.pk, attachment_id=attachment_id)
    except Attachment.DoesNotExist:
        raise Http404 from None
    except GateError as error:
        messages.error(request, str(error))
    return redirect(f"{_address(one)}#evidence")


@page_view
@require_GET
def show(request: HttpRequest, request_id: UUID, attachment_id: UUID) -> HttpResponse:
    """The file itself, for who works on the request or audits it: a scan is never masked. Each look is in the read log."""
    one = request_or_404(request.user, request_id)
    attachment = one.attachments.filter(pk=attachment_id).first()
    if attachment is None or not _may_look(request.user, one):
        raise Http404
    try:
        file = path_of(attachment.sha256).open("rb")
    except OSError:
        raise Http404 from None
    read_record(
        actor=request.user,
        action=ReadAction.REVIEW,
        kind="change_request",
        records=[(one.pk, one.unit_id)],
        what=attachment.name,
        address=ip_of(request),
    )
    kind = AttachmentKind(attachment.kind)
    response = FileResponse(file, content_type=CONTENT_TYPES[kind], filename=f"{attachment.sha256[:16]}.{kind.value}")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = POLICY if kind == AttachmentKind.PDF else f"{POLICY}; sandbox"
    return response


def _may_look(user: User, request: ChangeRequest) -> bool:
    if request.author_id == user.pk or stage_to_decide(user=user, request=request) is not None:
        return True
    return any(scope.can(user, action, request.unit_id) for action in (Action.EDIT, Action.APPROVE, Action.AUDIT))


def _address(request: ChangeRequest) -> str:
    return reverse("workflows:request_detail", args=[request.pk])


@page_view
@require_GET
def bundle(request: HttpRequest, request_id: UUID, leaf_index: int) -> HttpResponse:
    """The evidence of one applied record as a zip that tools/verify_evidence.py checks offline; for whoever sees the record unmasked."""
    one = request_or_404(request.user, request_id)
    version = RecordVersion.objects.filter(request=one, leaf_index=leaf_index).select_related("request", "document").first()
    item = for_reading(one.items.filter(leaf_index=leaf_index)).first()
    if version is None or item is None:
        raise Http404
    seen, masked = items_seen(user=request.user, request=one, stage=None, items=[item])
    if not seen or masked:
        raise Http404
    try:
        body = evidence_bundle(version)
    except LookupError:
        raise Http404 from None
    items_read(actor=request.user, request=one, items=item_changes([item]), address=ip_of(request))
    answer = HttpResponse(body, content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="evidence-{one.number}-{leaf_index + 1}.zip"'
    return answer
