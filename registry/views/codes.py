"""Code lists: a page to look at them on a day, and a form that proposes one code to the gate."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from orgtree import clock
from orgtree.pages import page, page_view
from registry.models import CodeItem
from registry.selectors.code_lists import code_authority, code_get, code_lists, codes_of, list_sources
from registry.services.codes import code_propose
from registry.targets.codes import LABELS, CodeEntryTarget, list_label
from workflows.selectors.findings import finding_line
from workflows.targets import target

TEXTS = ("name_vi", "name_en", "aliases", "source")
DAYS = ("valid_from", "valid_to")


@page_view
@require_GET
def code_list(request: HttpRequest) -> HttpResponse:
    """`?list=` a list, `?q=` part of a name, `?on=` a day."""
    lists = code_lists()
    name = request.GET.get("list", "") or (lists[0].name if lists else "")
    if lists and name not in {one.name for one in lists}:
        raise Http404
    on = _day(request.GET.get("on", "")) or clock.today()
    text = request.GET.get("q", "").strip()[:100]
    return page(
        request,
        "registry/codes.html",
        _("Code lists"),
        lists=lists,
        name=name,
        label=list_label(name),
        source=list_sources().get(name, ""),
        lines=codes_of(name=name, text=text, on=on),
        text=text,
        on=on,
        may_propose=code_authority(request.user) is not None,
    )


@page_view
@require_http_methods(["GET", "POST"])
def code_edit(request: HttpRequest, name: str) -> HttpResponse:
    """Propose a new code of a list, or a change of `?code=`. It becomes a request like any other."""
    unit = code_authority(request.user)
    if unit is None or name not in {one.name for one in code_lists()}:
        raise Http404
    item = code_get(name=name, code=request.GET.get("code", ""))
    if request.GET.get("code") and item is None:
        raise Http404
    values = request.POST.dict() if request.method == "POST" else _values(item)
    remarks: list[Any] = []
    if request.method == "POST":
        code = item.code if item else values.get("code", "").strip()
        patch = {field: values.get(field, "").strip() for field in (*TEXTS, *DAYS)}
        patch["aliases"] = "|".join(part for line in patch["aliases"].splitlines() if (part := " ".join(line.split())))
        patch["sort"] = int(order) if (order := values.get("sort", "").strip()).isdecimal() and len(order) < 5 else None
        staged = code_propose(actor=request.user, unit=unit, code_list=name, code=code, values=patch)
        if staged.request is not None:
            messages.success(request, _("Your change is ready. Look at it once more, then submit it."))
            return redirect("workflows:request_detail", staged.request.pk)
        one = target(CodeEntryTarget.kind)
        found = [each for part in staged.returned.values() for each in part]
        remarks = [finding_line(one, code=each.code, severity=each.severity, field=each.field, value=each.value) for each in found]
    context = {
        "name": name,
        "label": list_label(name),
        "item": item,
        "values": values,
        "labels": LABELS,
        "remarks": remarks,
        "nothing": request.method == "POST" and not remarks,
    }
    title = _("Change a code") if item else _("Add a code")
    return page(request, "registry/code_edit.html", title, status=422 if remarks else 200, **context)


def _values(item: CodeItem | None) -> dict[str, str]:
    if item is None:
        return {}
    days = {field: value.isoformat() if (value := getattr(item, field)) else "" for field in DAYS}
    return {"code": item.code, "sort": str(item.sort), **{field: getattr(item, field) for field in TEXTS}, **days, "aliases": "\n".join(item.aliases)}


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None
