"""The table of codes of other sides: what wants a pair, the pairs of a list, and spreadsheets out and in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from exchange.models import CodePair
from exchange.models.mapping import MapWay
from exchange.selectors.mapping import FROM_WORKBOOKS, Side, exported_rows, gap_lines, list_names, lists_mapped, meanings, pair_lines, sides
from exchange.selectors.sight import operates_line
from exchange.services.mapping import PairsWrong, Wanted, pair_end, pairs_import, pairs_set, rest_kept
from orgtree import clock
from orgtree.pages import page, page_view
from registry.code_pairs import COLUMNS, MAX_BYTES, MAX_ROWS, PairsUnreadable, pairs_write
from registry.models import SourceProgram
from registry.program_codes import TITLE
from registry.reading import WorkbookRefused
from registry.services.programs import program_add, program_offer
from workflows.errors import GateError

MOST_CHOICES = 500  # beyond that a code is typed
FORMS = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


@page_view
@require_GET
def mapping_list(request: HttpRequest) -> HttpResponse:
    """`?side=` whose codes, `?list=` which list."""
    known = _sides(request)
    side = next((one for one in known if one.name == request.GET.get("side")), known[0] if known else None)
    return _shown(request, known, side, request.GET.get("list", ""))


@page_view
@require_POST
def mapping_set(request: HttpRequest) -> HttpResponse:
    """One pair: `list`, `code`, `theirs`, `way`, `valid_from`, `valid_to`."""
    known, side = _side(request, request.POST)
    if side is None:
        return _nowhere(request)
    form = {name: request.POST.get(name, "").strip() for name in ("list", "code", "theirs", "way", "valid_from", "valid_to")}
    way = form["way"] if side.both else side.way
    wanted = Wanted(form["list"], form["code"], form["theirs"], way, _day(form["valid_from"]), _day(form["valid_to"]))
    try:
        if pairs_set(actor=request.user, side=side.name, wanted=[wanted]):
            told = _("The pair stands. Workbooks are read by it from the next check on.") if side.is_source else ""
            messages.success(request, told or _("The pair stands. What waited for it goes by itself."))
    except PairsWrong as error:
        return _shown(request, known, side, form["list"], error=error, values=form, status=422)
    return _back(side, form["list"])


@page_view
@require_POST
def mapping_rest(request: HttpRequest) -> HttpResponse:
    """The codes of a `list` that have no pair stand for themselves."""
    known, side = _side(request, request.POST)
    if side is None:
        return _nowhere(request)
    name = request.POST.get("list", "")
    try:
        count = rest_kept(actor=request.user, side=side.name, code_list=name)
    except PairsWrong as error:
        return _shown(request, known, side, name, error=error, status=422)
    messages.success(request, ngettext("%(count)d code stands for itself.", "%(count)d codes stand for themselves.", count) % {"count": count})
    return _back(side, name)


@page_view
@require_POST
def mapping_end(request: HttpRequest, pair_id: int) -> HttpResponse:
    _sides(request)
    pair = get_object_or_404(CodePair, pk=pair_id)
    pair_end(actor=request.user, pair=pair)
    messages.success(request, _("The pair no longer stands."))
    return redirect(f"{reverse('exchange:mapping_list')}?{urlencode({'side': pair.side, 'list': pair.list})}")


@page_view
@require_POST
def mapping_program(request: HttpRequest) -> HttpResponse:
    """A program that workbooks come from: another one by its `name`, or one (`side`) that is no longer offered."""
    _known, side = _side(request, request.POST)
    try:
        if side is not None and side.is_source:
            program_offer(actor=request.user, program=get_object_or_404(SourceProgram, code=side.name.removeprefix(FROM_WORKBOOKS)), active=False)
            messages.success(request, _("“%s” is no longer offered for workbooks. Its pairs are kept.") % side.title)
            return redirect("exchange:mapping_list")
        program = program_add(actor=request.user, name=request.POST.get("name", ""))
    except GateError as error:
        messages.error(request, str(error))
        return redirect("exchange:mapping_list")
    messages.success(
        request, _("“%s” can be chosen for workbooks now. Its codes get their pairs here, or while a workbook is repaired.") % program.name
    )
    return redirect(f"{reverse('exchange:mapping_list')}?{urlencode({'side': program.side})}")


@page_view
@require_POST
def mapping_import(request: HttpRequest) -> HttpResponse:
    """A spreadsheet as `file`; all of its rows or none."""
    known, side = _side(request, request.POST)
    if side is None:
        return _nowhere(request)
    file = request.FILES.get("file")
    if file is None:
        messages.error(request, _("Choose a file first."))
        return _back(side, "")
    try:
        count = pairs_import(actor=request.user, side=side.name, content=file.read(MAX_BYTES + 1), name=file.name)
    except (PairsUnreadable, WorkbookRefused) as error:
        messages.error(request, UNREADABLE[error.code]() if error.code in UNREADABLE else str(error))
        return _back(side, "")
    except PairsWrong as error:
        return _shown(request, known, side, "", error=error, status=422)
    messages.success(request, ngettext("%(count)d pair is new.", "%(count)d pairs are new.", count) % {"count": count})
    return _back(side, "")


@page_view
@require_GET
def mapping_export(request: HttpRequest) -> HttpResponse:
    """Every pair of a `side`, and every code that wants one, as `form` csv or xlsx."""
    _known, side = _side(request, request.GET)
    form = request.GET.get("form", "xlsx")
    if side is None:
        return _nowhere(request)
    if form not in FORMS:
        raise Http404
    answer = HttpResponse(pairs_write(exported_rows(side.name), form=form), content_type=FORMS[form])
    answer["Content-Disposition"] = f'attachment; filename="{side.name}-{clock.today():%Y-%m-%d}.{form}"'
    return answer


UNREADABLE = {
    "COLUMN_MISSING": lambda: (
        _("Columns are missing: the file needs %s. Export the table and fill that in.")
        % ", ".join(COLUMNS[one][0] for one in ("list", "code", "theirs"))
    ),
    "TOO_MANY_ROWS": lambda: _("The file has more than %d rows. Divide it.") % MAX_ROWS,
}


def _shown(
    request: HttpRequest,
    known: list[Side],
    side: Side | None,
    name: str,
    *,
    error: PairsWrong | None = None,
    values: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    lists = list_names(side.name if side else "")
    mapped = lists_mapped(side.name) if side else {}
    chosen = name if name in dict(lists) else next(iter(mapped), lists[0][0] if lists else "")
    codes = list(meanings(chosen).items())
    return page(
        request,
        "exchange/mapping.html",
        _("Codes of other sides"),
        status=status,
        sides=known,
        side=side,
        lists=[(one, title, mapped.get(one, 0)) for one, title in lists],
        name=chosen,
        title_of_list=dict(lists).get(chosen, ""),
        gaps=gap_lines(side.name) if side else [],
        pairs=pair_lines(side.name, chosen) if side else [],
        codes=codes[:MOST_CHOICES],
        typed=chosen == TITLE or len(codes) > MOST_CHOICES,
        ways=MapWay.choices,
        error=error,
        columns={column: headings[0] for column, headings in COLUMNS.items()},
        values=values or {},
    )


def _back(side: Side, name: str) -> HttpResponse:
    return redirect(f"{reverse('exchange:mapping_list')}?{urlencode({'side': side.name, **({'list': name} if name else {})})}")


def _sides(request: HttpRequest) -> list[Side]:
    if settings.ROLE == "hub" or not operates_line(request.user):
        raise Http404
    return sides()


def _side(request: HttpRequest, data: Mapping[str, str]) -> tuple[list[Side], Side | None]:
    known = _sides(request)
    return known, next((one for one in known if one.name == data.get("side")), None)


def _nowhere(request: HttpRequest) -> HttpResponse:
    messages.error(request, _("Choose first whose codes are meant."))
    return redirect("exchange:mapping_list")


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None
