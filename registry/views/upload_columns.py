"""The columns of a workbook: which of them is which field, as a person decides it; to take along, and to bring back."""

from __future__ import annotations

import json
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from orgtree.pages import page_view
from registry.choices import Section
from registry.fields import BY_NAME, FIELDS
from registry.mapping import LIKELY, ColumnMapping, MappingInvalid, Part, Reason
from registry.models import SourceProgram, Upload
from registry.reading import column_letter
from registry.selectors.upload_grid import BEYOND
from registry.selectors.upload_pairs import programs_offered
from registry.services.upload_mapping import OPEN, mapping_choose, mapping_import, mapping_now
from registry.views.uploads import program_of, upload_or_404, upload_page_of
from workflows.errors import GateError

LARGEST_MAPPING = 256 * 1024
_SEPARATOR = "~"


@page_view
@require_http_methods(["GET", "POST"])
def upload_columns(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """Their heading with sample values, our field, how sure that is and why. Columns that are not read are listed too."""
    upload = upload_or_404(request.user, upload_id)
    mapping, problem, programs = mapping_now(upload), "", list(programs_offered())
    program = upload.program
    if request.method == "POST":
        try:
            if file := request.FILES.get("mapping"):
                mapping = mapping_import(actor=request.user, upload=upload, exported=_json(file.read(LARGEST_MAPPING + 1)))
                messages.success(request, _("The columns are matched as in the file. Look at them and confirm."))
            else:
                program = program_of(request, _programs(programs, upload))
                mapping_choose(actor=request.user, upload=upload, choices=_choices(request), program=program)
                return redirect("registry:upload_detail", upload.pk)
        except MappingInvalid:
            problem = _("This file is not a saved matching of columns. Choose a file that this page has saved.")
        except KeyError:
            problem = _("One of the chosen fields does not exist. Reload the page and choose again.")
        except GateError as error:
            problem, mapping = str(error), _kept(mapping, request)
    return upload_page_of(
        request,
        upload,
        "upload_columns.html",
        "columns",
        lines=sorted(_lines(upload, mapping), key=lambda one: not one["doubtful"]),
        groups=_groups(),
        problem=problem,
        programs=_programs(programs, upload),
        program=program,
        numberless="citizen_id" not in mapping.fields,
        may_choose=upload.state in OPEN and not upload.counts.get("submitted"),
        status=422 if problem else 200,
    )


@page_view
@require_GET
def upload_columns_save(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """The mapping as a file, for another unit or another installation."""
    upload = upload_or_404(request.user, upload_id)
    name = f'attachment; filename="ghep-cot-{upload.created:%Y%m%d}.json"'
    return JsonResponse(mapping_now(upload).to_json(), json_dumps_params={"ensure_ascii": False, "indent": 1}, headers={"Content-Disposition": name})


def _programs(offered: list[SourceProgram], upload: Upload) -> list[SourceProgram]:
    """Those offered, and the one that the workbook came from, if it was given up since."""
    return offered if upload.program is None or upload.program in offered else [*offered, upload.program]


def _json(body: bytes) -> object:
    try:
        if len(body) > LARGEST_MAPPING:
            raise MappingInvalid("size")
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MappingInvalid("json") from error


def _choices(request: HttpRequest) -> dict[str, tuple[str | None, Part]]:
    """By column letter the chosen field and part; a select sends "birth_date~day", or "" for a column that is not read."""
    chosen = {}
    for name, text in request.POST.items():
        if name.startswith("column-"):
            field, _mark, part = text.partition(_SEPARATOR)
            if part not in Part.values:
                raise KeyError(part)
            chosen[name.removeprefix("column-")] = (field or None, Part(part))
    return chosen


def _kept(mapping: ColumnMapping, request: HttpRequest) -> ColumnMapping:
    """What was chosen, for the page that comes back with a remark."""
    choices = _choices(request)
    for one in mapping.columns:
        if (choice := choices.get(column_letter(one.index))) and choice != (one.field, one.part):
            mapping = mapping.chosen(one.index, *choice)
    return mapping


def _lines(upload: Upload, mapping: ColumnMapping) -> list[dict[str, object]]:
    kept = {one["index"]: one for one in upload.mapping}
    return [
        {
            "letter": kept[one.index]["column"],
            "added": one.index >= BEYOND,
            "heading": one.heading,
            "samples": kept[one.index].get("samples", []),
            "value": f"{one.field}{_SEPARATOR}{one.part}" if one.field else "",
            "percent": round(one.confidence * 100),
            "why": Reason(one.reason).label if one.field or one.rival else "",
            "rival": BY_NAME[one.rival].label if one.rival in BY_NAME else "",
            "sure": bool(one.field) and one.confidence >= LIKELY,
            "doubtful": bool(one.rival) or (bool(one.field) and (one.confidence < LIKELY or one.reason == Reason.SIMILAR)),
        }
        for one in mapping.columns
        if one.index in kept
    ]


def _groups() -> list[tuple[str, list[tuple[str, str]]]]:
    """The fields to choose from, by section; a date and a name may be spread over several columns."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for one in FIELDS:
        options = groups.setdefault(str(Section(one.section).label), [])
        options.append((f"{one.name}{_SEPARATOR}", str(one.label)))
        for part in _parts(one.name, one.kind):
            options.append((f"{one.name}{_SEPARATOR}{part}", f"{one.label}: {part.label}"))
    return list(groups.items())


def _parts(name: str, kind: str) -> tuple[Part, ...]:
    if name == "birth_name":
        return (Part.FAMILY, Part.GIVEN)
    if name == "gender":
        return (Part.MALE, Part.FEMALE)
    return (Part.DAY, Part.MONTH, Part.YEAR) if kind == "date" else ()
