"""The approver's pages: return with a reason, or see what is signed, sign it, and so approve."""

from __future__ import annotations

import base64
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from orgtree.pages import page, page_view
from orgtree.stepup import require_proof
from workflows.errors import GateError
from workflows.manifest import read_manifest
from workflows.models import ChangeRequest, Manifest
from workflows.selectors.requests import stage_to_decide
from workflows.services.approval import manifest_prepare, request_approve, request_return
from workflows.targets import target
from workflows.views.requests import request_or_404
from workflows.views.signatures import signature_sent


@page_view
@require_POST
def return_to_author(request: HttpRequest, request_id: UUID) -> HttpResponse:
    one = request_or_404(request.user, request_id)
    try:
        request_return(actor=request.user, request_id=one.pk, reason=request.POST.get("reason", ""))
    except GateError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The request has been returned to its author with your reason."))
    return redirect("workflows:request_detail", one.pk)


@page_view
@require_POST
def prepare(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Make the statement to sign and go to the page that shows it; where the stage asks for no signature, approve at once."""
    one = request_or_404(request.user, request_id)
    stage = stage_to_decide(user=request.user, request=one)
    if stage:
        require_proof(request)
    try:
        manifest = manifest_prepare(actor=request.user, request_id=one.pk)
        if stage and not stage.needs_signature:
            request_approve(actor=request.user, manifest_digest=bytes(manifest.digest))
            messages.success(request, _("Checked and approved; the request goes on to its next step."))
            return redirect("workflows:request_detail", one.pk)
    except GateError as error:
        messages.error(request, str(error))
        return redirect("workflows:request_detail", one.pk)
    return redirect("workflows:request_sign", one.pk, manifest.digest)


@page_view
@require_GET
def sign(request: HttpRequest, request_id: UUID, manifest_digest: bytes) -> HttpResponse:
    one, manifest = _manifest_or_404(request, request_id, manifest_digest)
    require_proof(request)
    statement = read_manifest(bytes(manifest.body))
    return page(
        request,
        "workflows/request_sign.html",
        _("Sign and approve"),
        request_=one,
        manifest=manifest,
        manifest_base64=base64.b64encode(bytes(manifest.body)).decode(),
        statement=statement,
        kinds=[(target(kind).label, count) for kind, count in statement.kinds.items()],
    )


@page_view
@require_GET
def manifest_download(request: HttpRequest, request_id: UUID, manifest_digest: bytes) -> HttpResponse:
    """The exact bytes to sign, for a signing tool outside this program."""
    one, manifest = _manifest_or_404(request, request_id, manifest_digest)
    answer = HttpResponse(bytes(manifest.body), content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="manifest-{one.number}.json"'
    return answer


@page_view
@require_POST
def approve(request: HttpRequest, request_id: UUID, manifest_digest: bytes) -> HttpResponse:
    """Take the signature, from the signing agent (field `signature`, Base64) or as a file (field `file`), and approve.

    Where a fresh proof is asked for first, the agent's signature waits and is taken afterwards; a file is chosen once more.
    """
    one, manifest = _manifest_or_404(request, request_id, manifest_digest)
    require_proof(request)
    try:
        request_approve(actor=request.user, manifest_digest=bytes(manifest.digest), signature=signature_sent(request))
    except GateError as error:
        messages.error(request, str(error))
        return redirect("workflows:request_sign", one.pk, manifest.digest)
    messages.success(request, _("Approved and signed. The changes are being recorded."))
    return redirect("workflows:request_detail", one.pk)


def _manifest_or_404(request: HttpRequest, request_id: UUID, digest: bytes) -> tuple[ChangeRequest, Manifest]:
    """The request and a manifest that was prepared for this very person; anybody else's is not found."""
    one = request_or_404(request.user, request_id)
    manifest = Manifest.objects.filter(pk=digest, request=one, user=request.user).first()
    if manifest is None:
        raise Http404
    return one, manifest
