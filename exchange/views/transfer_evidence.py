"""The evidence of a transfer: its page at the old agency and at the hub, and the hub's zips. Who reads it stands in the read log."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from exchange.hub_contract import RELEASE_KIND
from exchange.models import InboundEvidence, TransferCase
from exchange.selectors.sight import operates_somewhere
from exchange.selectors.transfer_evidence import case_evidence, release_evidence
from exchange.selectors.transfer_words import case_story, release_story, releases_seen
from exchange.selectors.transfers import release_of
from exchange.services.held_evidence import release_bundle, version_bundle
from orgtree.caller import ip_of
from orgtree.pages import page, page_view
from registry.models import StaffProfile
from registry.services.reads import file_open, files_export, may_reveal
from workflows.models import RecordVersion

WHAT = "transfer evidence"


@page_view
@require_GET
def out_evidence(request: HttpRequest, number: UUID) -> HttpResponse:
    """At the old agency: what proves that it let the person go, and every version that it keeps."""
    transfer = get_object_or_404(releases_seen(request.user).select_related("release__unit"), pk=number)
    release = transfer.release
    profile = get_object_or_404(StaffProfile.objects.select_related("using_unit", "managing_agency"), pk=release.person)
    whole = may_reveal(request.user, release.unit)

    def address(version: RecordVersion) -> str:
        return reverse("workflows:evidence_bundle", args=[version.request_id, version.leaf_index]) if whole else ""

    file_open(actor=request.user, profile=profile, what=WHAT, address=ip_of(request))
    return page(
        request,
        "exchange/transfer_evidence.html",
        _("Evidence: %s") % release.person_name,
        name=release.person_name,
        back=reverse("exchange:transfer_out", args=[number]),
        frm=profile.managing_agency.name,
        to=release.to_agency_name,
        story=release_story(transfer),
        decision_number=release.decision_number,
        decision_date=release.decision_date,
        handed_over=release.person_version,
        taken_at=transfer.taken_at,
        passed_at=transfer.passed_at,
        evidence=release_evidence(transfer, agency=profile.managing_agency.name, address=address),
    )


@page_view
@require_GET
def case_evidence_page(request: HttpRequest, number: UUID) -> HttpResponse:
    """At the hub: the same from what both agencies sent."""
    case, profile = _case(request, number)
    release, whole = release_of(case), may_reveal(request.user, profile.using_unit)

    def address(version: RecordVersion) -> str:
        return reverse("exchange:case_version", args=[number, version.version]) if whole else ""

    file_open(actor=request.user, profile=profile, what=WHAT, address=ip_of(request))
    return page(
        request,
        "exchange/transfer_evidence.html",
        _("Evidence: %s") % release["person_name"],
        name=release["person_name"],
        back=reverse("exchange:transfer_case", args=[number]),
        frm=case.from_agency.name,
        to=case.to_agency.name,
        story=case_story(case),
        decision_number=release["decision_number"],
        decision_date=date.fromisoformat(release["decision_date"]),
        handed_over=case.version,
        taken_at=case.taken_at,
        passed_at=case.ended_at if case.passed_as else None,
        evidence=case_evidence(case, release_address=reverse("exchange:case_release", args=[number]), address=address),
    )


@page_view
@require_GET
def case_release(request: HttpRequest, number: UUID) -> HttpResponse:
    """At the hub: the release as a zip."""
    case, profile = _case(request, number)
    files_export(actor=request.user, records=[(case.key, profile.using_unit_id)], what=f"{RELEASE_KIND} {number}", address=ip_of(request))
    return _zip(release_bundle(case), f"release-{number}")


@page_view
@require_GET
def case_version(request: HttpRequest, number: UUID, version: int) -> HttpResponse:
    """At the hub: one version of the file as a zip, for whoever sees the file unmasked."""
    case, profile = _case(request, number)
    if not may_reveal(request.user, profile.using_unit):
        raise Http404
    try:
        body = version_bundle(key=case.key, version=version)
    except InboundEvidence.DoesNotExist:
        raise Http404 from None
    files_export(actor=request.user, records=[(case.key, profile.using_unit_id)], what=f"evidence of version {version}", address=ip_of(request))
    return _zip(body, f"evidence-{number}-{version}")


def _case(request: HttpRequest, number: UUID) -> tuple[TransferCase, StaffProfile]:
    if settings.ROLE != "hub" or not operates_somewhere(request.user):
        raise Http404
    case = get_object_or_404(TransferCase.objects.select_related("from_agency", "to_agency", "manifest__agency"), pk=number)
    return case, get_object_or_404(StaffProfile.objects.select_related("using_unit"), pk=case.key)


def _zip(body: bytes, name: str) -> HttpResponse:
    answer = HttpResponse(body, content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="{name}.zip"'
    return answer
