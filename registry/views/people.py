"""Finding people: one box for names, numbers, units and areas; criteria; filters kept under a name."""

from __future__ import annotations

from typing import get_args
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from orgtree import scope
from orgtree.choices import Action
from orgtree.pages import page, page_view
from registry.masking import masked
from registry.models import SavedFilter
from registry.selectors.filters import AREA_WORDS, CRITERIA, chips, filter_read, options, saved_filters
from registry.selectors.former_numbers import old_card_number
from registry.selectors.places import areas_found, units_found
from registry.selectors.staff import Direction, citizen_number, staff_by_number, staff_by_old_card, staff_number_known, staff_page
from registry.services.saved_filters import FilterRefused, filter_remove, filter_save
from workflows.errors import NotAllowed

CURSORS = get_args(Direction)


@page_view
@require_GET
def staff_list(request: HttpRequest) -> HttpResponse:
    """The list. What it is filtered by stands in its address, which may be kept and passed on: it never holds a class-A value."""
    if citizen_number(request.GET.get("q", "")):
        messages.warning(request, _("A personal identification number does not belong in an address. Type it into the box and press Enter."))
        return redirect("registry:staff_list")
    wanted, strange = filter_read(user=request.user, data=request.GET)
    if request.GET.get("unit") and wanted.unit is None:
        raise Http404  # outside the scope nothing exists
    direction = next((one for one in CURSORS if one in request.GET), "after")
    cursor = request.GET.get(direction, "")
    found = staff_page(user=request.user, wanted=wanted, cursor=cursor, direction=direction)
    known = options(wanted.values)
    asked = urlencode({**wanted.query, **({"near": "1"} if found.is_near else {})})
    look_around = bool(wanted.text) and not cursor
    rows = [(row, masked(row.citizen_id), scope.can(request.user, Action.EDIT, row.using_unit)) for row in found.rows]
    return page(
        request,
        "registry/staff_list.html",
        _("Staff profiles"),
        found=found,
        rows=rows,
        may_pick=any(may_edit for _row, _number, may_edit in rows),
        wanted=wanted,
        strange=strange,
        chips=[(chip, urlencode(chip.without)) for chip in chips(wanted, known)],
        units=units_found(user=request.user, text=wanted.text) if look_around else (),
        areas=[(area, _with(wanted.query, area=area.area.pk)) for area in areas_found(text=wanted.text)] if look_around else (),
        suggestions=[(one, _with(wanted.query, q=one.name)) for one in found.suggestions],
        saved=[(one, urlencode(one.query)) for one in saved_filters(user=request.user)],
        may_add=scope.units(request.user, Action.EDIT).exists(),
        may_share=wanted.unit is not None and scope.can(request.user, Action.EDIT, wanted.unit),
        query=wanted.query,
        asked=asked,
    )


@page_view
@require_GET
def staff_filter_panel(request: HttpRequest) -> HttpResponse:
    """The criteria to choose from, as a part that the list fetches when somebody opens it: with all code lists it is most of the page."""
    wanted, _strange = filter_read(user=request.user, data=request.GET)
    known = options()
    return render(
        request,
        "registry/parts/filter_panel.html",
        {
            "wanted": wanted,
            "criteria": [(one, known.get(one.name, ()), wanted.values.get(one.name, "")) for one in CRITERIA],
            "area_words": AREA_WORDS.items(),
        },
    )


@page_view
@require_POST
def staff_find(request: HttpRequest) -> HttpResponse:
    """What was typed into the box. It is posted, since a number typed there must not stay in addresses and logs.

    The number of a person leads to the person's page; anything else becomes part of the list's address.
    """
    text = request.POST.get("q", "").strip()
    number = citizen_number(text)
    if (old := old_card_number(text)) and not staff_number_known(user=request.user, number=text):
        return _old_card_found(request, old)
    if number is None:
        wanted, _strange = filter_read(user=request.user, data={**request.POST.dict(), "near": ""})
        return redirect(_address(wanted.query))
    found = staff_by_number(user=request.user, number=number)
    if found is not None:
        return redirect("registry:staff_detail", found.pk)
    messages.warning(
        request, _("No file has this number in the units where you may prepare or approve changes. Compare the 12 digits with the card.")
    )
    return redirect("registry:staff_list")


def _old_card_found(request: HttpRequest, number: str) -> HttpResponse:
    """The file, or those of which one is chosen. The number itself never comes into an address."""
    found = staff_by_old_card(user=request.user, number=number)
    if len(found) == 1:
        return redirect("registry:staff_detail", found[0].pk)
    if found:
        return page(request, "registry/staff_found.html", _("Several people had this number"), found=found)
    messages.warning(
        request, _("No file has this old number in the units where you may prepare or approve changes. Compare the 9 digits with the card.")
    )
    return redirect("registry:staff_list")


@page_view
@require_POST
def staff_filter_save(request: HttpRequest) -> HttpResponse:
    """Keep the filter of the list under a name."""
    wanted, _strange = filter_read(user=request.user, data=request.POST.dict())
    try:
        kept = filter_save(
            actor=request.user,
            name=request.POST.get("name", ""),
            query=wanted.query,
            unit=wanted.unit if request.POST.get("shared") else None,
        )
    except FilterRefused as error:
        messages.error(request, str(error))
    except NotAllowed:
        raise Http404 from None
    else:
        messages.success(request, _("The filter “{name}” is kept.").format(name=kept.name))
    return redirect(_address(wanted.query))


@page_view
@require_POST
def staff_filter_remove(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        filter_remove(actor=request.user, pk=pk)
    except SavedFilter.DoesNotExist:
        raise Http404 from None
    messages.success(request, _("The filter is removed."))
    return redirect("registry:staff_list")


def _with(query: dict[str, str], **more: str) -> str:
    """The query of a part of the answer that becomes a filter itself: the text has done its work unless it is replaced."""
    return urlencode({name: value for name, value in {**query, "q": "", "near": "", **more}.items() if value})


def _address(query: dict[str, str]) -> str:
    address = reverse("registry:staff_list")
    return f"{address}?{urlencode(query)}" if query else address
