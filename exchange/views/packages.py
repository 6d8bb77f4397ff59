"""Packages carried by hand: on an agency made, signed and answered; on the hub taken and answered. One page for each role, under one address."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import IO, Any

from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from exchange.contract import MAX_SIGNATURE
from exchange.models import Channel, IncomingPackage, OutgoingPackage
from exchange.packages import PackageRefused
from exchange.selectors.packages import packages_made, packages_taken, refusal_words, waiting
from exchange.selectors.sight import operates_line
from exchange.services.carrying import package_take, receipts_file, receipts_make, receipts_sign
from exchange.services.packing import carried_channel, package_file, package_make, package_sign, receipts_take
from orgtree.pages import page, page_view
from workflows.errors import GateError

IN_MEMORY = 8 * 1024 * 1024


@page_view
@require_GET
def package_list(request: HttpRequest) -> HttpResponse:
    _line_operators_only(request)
    if settings.ROLE == "hub":
        return page(request, "exchange/packages_hub.html", _("Carried packages"), packages=packages_taken())
    channel = _channel()
    return page(request, "exchange/packages.html", _("Packages to carry"), channel=channel, packages=packages_made(channel), waiting=waiting(channel))


@page_view
@require_POST
def package_new(request: HttpRequest) -> HttpResponse:
    """On an agency: put what waits into a package."""
    _line_operators_only(request)
    if settings.ROLE == "hub":
        raise Http404
    made = _told(request, lambda: package_make(actor=request.user, channel=_channel()))
    if made is not None:
        messages.success(request, _("Package no. %s is made. Download its statement, sign it, and give the signature here.") % made.sequence)
    return redirect("exchange:package_list")


@page_view
@require_POST
def package_bring(request: HttpRequest) -> HttpResponse:
    """On the hub a package, on an agency receipts: the file from the stick."""
    _line_operators_only(request)
    file = request.FILES.get("file")
    if file is None:
        messages.error(request, _("Choose the file on the stick."))
    elif settings.ROLE == "hub":
        taken = _told(request, lambda: package_take(actor=request.user, file=file, size=file.size))
        if taken is not None:
            text = _("Package no. %(number)s of %(agency)s is taken and is being processed.")
            messages.success(request, text % {"number": taken.sequence, "agency": taken.agency.name})
    else:
        answered = _told(request, lambda: receipts_take(actor=request.user, file=file, size=file.size))
        if answered is not None:
            messages.success(request, _("The receipts of package no. %s are taken.") % answered.sequence)
    return redirect("exchange:package_list")


@page_view
@require_POST
def package_receipts(request: HttpRequest, number: int) -> HttpResponse:
    """On the hub: make the statement of a package's receipts, so that it can be downloaded and signed."""
    _line_operators_only(request)
    package = _package(number)
    if not isinstance(package, IncomingPackage):
        raise Http404
    if _told(request, lambda: receipts_make(actor=request.user, package=package)) is not None:
        messages.success(request, _("The receipts are made. Download their statement, sign it, and give the signature here."))
    return redirect("exchange:package_list")


@page_view
@require_GET
def package_statement(request: HttpRequest, number: int) -> HttpResponse:
    """What has to be signed, as it was made: of a package, or of its receipts."""
    _line_operators_only(request)
    package = _package(number)
    if isinstance(package, IncomingPackage):
        name, content = f"receipts-{package.agency.code}-{package.sequence:04}.json", bytes(package.receipts or b"")
    else:
        name, content = f"package-{settings.AUTHORITY}-{package.sequence:04}.json", bytes(package.statement)
    if not content:
        raise Http404  # receipts that nobody has made yet
    answer = HttpResponse(content, content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@page_view
@require_POST
def package_signature(request: HttpRequest, number: int) -> HttpResponse:
    _line_operators_only(request)
    package, file = _package(number), request.FILES.get("file")
    if file is None or not 0 < file.size <= MAX_SIGNATURE:
        messages.error(request, _("Choose the signature file (.p7s) that the signing tool made."))
        return redirect("exchange:package_list")
    sign: Any = receipts_sign if isinstance(package, IncomingPackage) else package_sign
    if _told(request, lambda: sign(actor=request.user, package=package, signature=file.read())) is not None:
        messages.success(request, _("The signature holds. Download the package to the stick."))
    return redirect("exchange:package_list")


@page_view
@require_GET
def package_download(request: HttpRequest, number: int) -> HttpResponse:
    """The package, or its receipts, for the stick: the same bytes every time."""
    _line_operators_only(request)
    package = _package(number)
    code = package.agency.code if isinstance(package, IncomingPackage) else settings.AUTHORITY
    name = f"{'receipts' if isinstance(package, IncomingPackage) else 'package'}-{code}-{package.sequence:04}.zip"
    file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - the answer closes it
    write: Any = receipts_file if isinstance(package, IncomingPackage) else package_file
    if _told(request, lambda: write(actor=request.user, package=package, file=file) or True) is None:
        file.close()
        return redirect("exchange:package_list")
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=name, content_type="application/zip")


def _told(request: HttpRequest, act: Callable[[], Any]) -> Any:
    """What `act` gives; None when it was refused, and the person told why."""
    try:
        return act()
    except PackageRefused as refused:
        messages.error(request, refusal_words(refused))
    except GateError as error:
        messages.error(request, str(error))
    return None


def _package(number: int) -> Any:
    if settings.ROLE == "hub":
        return get_object_or_404(IncomingPackage.objects.select_related("agency"), pk=number)
    return get_object_or_404(OutgoingPackage.objects.select_related("channel"), pk=number)


def _channel() -> Channel:
    channel = carried_channel()
    if channel is None:
        raise Http404
    return channel


def _line_operators_only(request: HttpRequest) -> None:
    if not operates_line(request.user):
        raise Http404
