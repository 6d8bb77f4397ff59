"""Code lists between hub and agencies. At an agency: what it would change here. On the hub: publishing, and who has what."""

from __future__ import annotations

import tempfile
from typing import IO

from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from exchange.contract import MAX_SIGNATURE
from exchange.models import CatalogueCode, CatalogueManifest, CatalogueRead
from exchange.packages import PackageRefused
from exchange.selectors.catalogues import may_pull
from exchange.selectors.catalogues_agencies import hub_catalogues
from exchange.selectors.catalogues_causes import catalogue_remedy
from exchange.selectors.catalogues_shown import catalogues_shown, pull_runs, source_now
from exchange.selectors.packages import refusal_words
from exchange.selectors.sight import operates_line
from exchange.services.catalogue_evidence import code_bundle, list_bundle
from exchange.services.catalogues import catalogues_propose, code_choose, publisher_forget
from exchange.services.catalogues_carrying import lists_file, lists_statement, lists_take
from exchange.services.catalogues_publishing import catalogue_propose
from exchange.services.catalogues_pulling import catalogues_pull_ask
from exchange.services.packing import carried_channel
from exchange.services.transfer_line import hub_channel
from orgtree.pages import page, page_view
from orgtree.stepup import require_proof
from registry.selectors.catalogues import catalogue_title
from registry.selectors.code_lists import code_authority, code_lists
from workflows.cms import SignatureRefused
from workflows.errors import GateError
from workflows.selectors.findings import finding_line
from workflows.services.staging import Staged
from workflows.targets import target

IN_MEMORY = 8 * 1024 * 1024


@page_view
@require_GET
def catalogue_list(request: HttpRequest) -> HttpResponse:
    """At the agency, with `?list=` one list; on the hub another page."""
    _readers_only(request)
    if settings.ROLE == "hub":
        lists, agencies = hub_catalogues()
        return page(
            request,
            "exchange/catalogues_hub.html",
            _("Published code lists"),
            published=[one for one in lists if one.head],
            unpublished=[one for one in lists if not one.head],
            agencies=agencies,
            may_publish=request.user.is_superuser or code_authority(request.user) is not None,
        )
    source, line = source_now(), hub_channel()
    name = request.GET.get("list", "")
    return page(
        request,
        "exchange/catalogues.html",
        _("Code lists of the national platform"),
        channel=line,
        carried=None if line else carried_channel(),
        source=source,
        running=source is not None and pull_runs(source),
        remedy=catalogue_remedy(source.error_code) if source and source.error_code else None,
        shown=catalogues_shown(source, name=name) if source else None,
        name=name,
        title_of_list=catalogue_title(name) if name else "",
        may_propose=code_authority(request.user) is not None,
    )


@page_view
@require_POST
def catalogue_pull(request: HttpRequest) -> HttpResponse:
    _agency_only(request)
    try:
        catalogues_pull_ask(actor=request.user)
        messages.success(request, _("The national platform is being asked. Reload the page in a moment."))
    except GateError as error:
        messages.error(request, str(error))
    return redirect("exchange:catalogue_list")


@page_view
@require_POST
def catalogue_bring(request: HttpRequest) -> HttpResponse:
    """At an agency without a line: the hub's lists from the stick, as `file`."""
    _agency_only(request)
    file = request.FILES.get("file")
    if file is None:
        messages.error(request, _("Choose the file on the stick."))
        return redirect("exchange:catalogue_list")
    try:
        source = lists_take(actor=request.user, file=file, size=file.size)
        if not source.error_code:
            messages.success(request, _("The lists are read, and every signature holds. The next package tells the national platform so."))
    except PackageRefused as refused:
        messages.error(request, refusal_words(refused))
    except GateError as error:
        messages.error(request, str(error))
    return redirect("exchange:catalogue_list")


@page_view
@require_GET
def catalogue_statement(request: HttpRequest) -> HttpResponse:
    """On the hub: what is signed for a package of the lists as they stand."""
    _hub_only(request)
    try:
        answer = HttpResponse(lists_statement(actor=request.user), content_type="application/json")
    except PackageRefused as refused:
        messages.error(request, refusal_words(refused))
        return redirect("exchange:catalogue_list")
    answer["Content-Disposition"] = f'attachment; filename="lists-{settings.AUTHORITY}.json"'
    return answer


@page_view
@require_POST
def catalogue_package(request: HttpRequest) -> HttpResponse:
    """On the hub: the package for the stick, under the signature (.p7s) that is given as `file`."""
    _hub_only(request)
    given = request.FILES.get("file")
    if given is None or not 0 < given.size <= MAX_SIGNATURE:
        messages.error(request, _("Choose the signature file (.p7s) that the signing tool made."))
        return redirect("exchange:catalogue_list")
    file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - the answer closes it
    try:
        lists_file(actor=request.user, signature=given.read(), file=file)
    except (PackageRefused, GateError) as error:
        file.close()
        messages.error(request, refusal_words(error) if isinstance(error, PackageRefused) else str(error))
        if isinstance(error, SignatureRefused):
            messages.warning(request, _("If a list was published since the statement was downloaded, download it again and sign that one."))
        return redirect("exchange:catalogue_list")
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=f"lists-{settings.AUTHORITY}.zip", content_type="application/zip")


@page_view
@require_POST
def catalogue_take(request: HttpRequest) -> HttpResponse:
    """Everything that may be taken over as one request, which its author looks at and submits."""
    _agency_only(request)
    source = source_now()
    if source is None:
        raise Http404
    try:
        staged = catalogues_propose(actor=request.user, source=source)
    except GateError as error:
        messages.error(request, str(error))
        return redirect("exchange:catalogue_list")
    return _staged(request, staged)


@page_view
@require_POST
def catalogue_choose(request: HttpRequest, code_id: int) -> HttpResponse:
    """`choice` is take or keep; keeping wants a `reason`."""
    _agency_only(request)
    code = get_object_or_404(CatalogueCode.objects.select_related("source"), pk=code_id)
    try:
        code_choose(actor=request.user, code=code, choice=request.POST.get("choice", ""), reason=request.POST.get("reason", ""))
        messages.success(request, _("Your choice is kept. It can be changed until the code is taken over."))
    except GateError as error:
        messages.error(request, str(error))
    return redirect("exchange:catalogue_list")


@page_view
@require_POST
def catalogue_publisher(request: HttpRequest) -> HttpResponse:
    """For superusers: another publisher than the one that was met first is accepted, with the next answer."""
    _agency_only(request)
    source = source_now()
    if source is None or not request.user.is_superuser:
        raise Http404
    require_proof(request)
    publisher_forget(actor=request.user, source=source)
    messages.success(request, _("The next publisher that answers is accepted. Fetch the lists now, and compare its name."))
    return redirect("exchange:catalogue_list")


@page_view
@require_GET
def catalogue_signed(request: HttpRequest, manifest_id: int, part: str) -> HttpResponse:
    """What the hub's people signed, or their signature, as it was received: for whoever wants to check it with other tools."""
    _agency_only(request)
    signed = get_object_or_404(CatalogueManifest, pk=manifest_id)
    body, kind, ending = (signed.body, "application/json", "json") if part == "manifest" else (signed.signature, "application/pkcs7-signature", "p7s")
    answer = HttpResponse(bytes(body), content_type=kind)
    answer["Content-Disposition"] = f'attachment; filename="{bytes(signed.digest).hex()[:16]}.{ending}"'
    return answer


@page_view
@require_GET
def catalogue_code_evidence(request: HttpRequest, code_id: int) -> HttpResponse:
    """What proves one code of the hub's, to be checked offline by tools/verify_evidence.py."""
    _agency_only(request)
    code = get_object_or_404(CatalogueCode.objects.select_related("source"), pk=code_id)
    return _zip(code_bundle(code), f"code-{code.catalogue}-{code.position}.zip")


@page_view
@require_GET
def catalogue_evidence(request: HttpRequest, name: str) -> HttpResponse:
    """What proves a whole list as it was read last, to be checked offline by tools/verify_list.py."""
    _agency_only(request)
    read = get_object_or_404(CatalogueRead.objects.select_related("source"), source=source_now(), name=name, version__gt=0)
    return _zip(list_bundle(read), f"list-{read.name}-{read.version}.zip")


@page_view
@require_POST
def catalogue_publish(request: HttpRequest) -> HttpResponse:
    """On the hub: the codes of a `list` that nobody has signed yet, as one request; `source` for those that name none."""
    unit = code_authority(request.user)
    if settings.ROLE != "hub" or (unit is None and not request.user.is_superuser):  # before the first agency's tree came there is no unit
        raise Http404
    name, source = request.POST.get("list", ""), request.POST.get("source", "").strip()
    if name not in {*(one.name for one in code_lists()), "rank", "salary_step"}:
        raise Http404
    if not source:
        messages.error(request, _("Name the decree or circular on which the list stands; it goes into every code that names none."))
        return redirect("exchange:catalogue_list")
    return _staged(request, catalogue_propose(actor=request.user, unit=unit, name=name, source=source))


def _zip(body: bytes, name: str) -> HttpResponse:
    return HttpResponse(body, content_type="application/zip", headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _staged(request: HttpRequest, staged: Staged) -> HttpResponse:
    for one in [each for found in staged.returned.values() for each in found][:5]:
        line = finding_line(target("code_entry"), code=one.code, severity=one.severity, field=one.field, value=one.value)
        messages.error(request, f"{line.label}: {line.message} {line.repair}" if line.label else f"{line.message} {line.repair}")
    if staged.request is None:
        if not staged.returned:
            messages.info(request, _("Nothing of it is new: every code stands already as it would be."))
        return redirect("exchange:catalogue_list")
    messages.success(request, _("The request is ready. Look at it once more, then submit it."))
    return redirect("workflows:request_detail", staged.request.pk)


def _readers_only(request: HttpRequest) -> None:
    if not (operates_line(request.user) if settings.ROLE == "hub" else may_pull(request.user)):
        raise Http404


def _hub_only(request: HttpRequest) -> None:
    if settings.ROLE != "hub" or not operates_line(request.user):
        raise Http404


def _agency_only(request: HttpRequest) -> None:
    if settings.ROLE == "hub" or not may_pull(request.user):
        raise Http404
