"""`make bench-upload`: a workbook from the file to the preview, beside import-export and beside a plain COPY, on servers of the bench's own.

Three things in one run. 10,000 rows x 40 columns through the upload, and the same file through import-export's default way (dry run, then
confirm) into a table of the same columns without walls: the ratio. The staging and checking of those rows beside a COPY of them into a table
with the same indexes. And ROWS (100,000) rows x 60 columns through a worker process whose memory is watched, and stands beside
that of the smaller workbook: it does not grow with the rows. The last line is FIGURES {json}.

ROWS=1000000 asks for the million; SMALL= and COLUMNS= change the first workbook, COMPARE=0 leaves import-export out.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from bench.servers import bench_servers
from bench.workbooks import workbook_write

ROWS = int(os.environ.get("ROWS", "100000"))
SMALL = int(os.environ.get("SMALL", "10000"))
NARROW, WIDE = 40, 60
COMPARE = os.environ.get("COMPARE", "1") != "0"
SEED = 41
# Columns beyond those that the demo's people fill, with the same value for everybody.
EXTRA = (
    "other_names", "family_class", "previous_job", "recruit_form", "main_duty", "strength", "longest_job", "job_position",
    "job_position_code", "job_position_step", "job_position_amount", "health", "height_cm", "weight_kg", "blood_group", "arrest_statement",
    "unit_comment", "concurrent_post", "policy_category", "social_insurance_no",
)  # fmt: skip


def main() -> None:
    os.environ["UPLOAD_MAX_MB"] = "1000"
    with bench_servers() as home:
        one, other = small(home), large(home)
        figures = {"rows": SMALL, "columns": NARROW, **one, **other, "rss_mb_by_rows": {SMALL: one["small_rss_mb"], ROWS: other["rss_over_idle_mb"]}}
    print("FIGURES " + json.dumps(figures))


# --- what is measured -----------------------------------------------------------------------------------------------------


def small(home: Path) -> dict[str, Any]:
    """Ours beside import-export and beside COPY, on one file."""
    path = home / "small.xlsx"
    workbook_make(path, SMALL, NARROW)
    ours = worker(path)
    columns, body = copy_source(ours["upload"])
    copy_s = timed(f"COPY of the {SMALL:,} rows into a table with the same indexes", lambda: plain_copy(columns, body))
    figures = {
        "ours_s": ours["seconds"],
        "read_s": ours["read_s"],
        "copy_indexed_s": round(copy_s, 2),
        "copy_ratio": round((ours["seconds"] - ours["read_s"]) / copy_s, 1),
        "small_stages": ours["stages"],
        "small_rss_mb": ours["rss_over_idle_mb"],
    }
    if COMPARE:
        resource = resource_make()
        theirs = timed(f"import-export, dry run and confirm, {SMALL:,} rows", lambda: import_export(resource, path))
        figures |= {"import_export_s": round(theirs, 1), "ratio": round(theirs / ours["seconds"], 1)}
    return figures


def large(home: Path) -> dict[str, Any]:
    path = home / "large.xlsx"
    timed(f"making a workbook of {ROWS:,} x {WIDE}", lambda: workbook_make(path, ROWS, WIDE))
    ours = worker(path)
    name = "rows_100k_s" if ROWS == 100_000 else "rows_large_s"
    figures = {"large_rows": ROWS, "large_columns": WIDE, name: ours["seconds"], "rss_over_idle_mb": ours["rss_over_idle_mb"]}
    return figures | {"large_mb": round(path.stat().st_size / 1e6, 1), "large_stages": ours["stages"], "page_ms": pages(ours["upload"])}


PAGES = {
    "upload_detail": "", "upload_changes": "?kind=new", "upload_people": "", "upload_missing": "", "upload_causes": "", "upload_grid": "",
}  # fmt: skip


def pages(upload: str) -> dict[str, int]:
    """The pages of an upload of ROWS rows as a browser gets them, each the median of three, and a page from its middle and one with a filter."""
    from django.test import Client
    from django.urls import reverse

    from orgtree.models import User

    client = Client()
    client.force_login(User.objects.get(username="hoa"))
    asked = {name: reverse(f"registry:{name}", args=[upload]) + query for name, query in PAGES.items()}
    asked |= {
        f"upload_changes, {what}": asked["upload_changes"] + query for what, query in {"later": f"&after={ROWS // 2}", "found": "&q=Hoa"}.items()
    }
    return {name: round(1000 * statistics.median(_page(client, address) for _ in range(3))) for name, address in asked.items()}


def _page(client: Any, address: str) -> float:
    begin = time.perf_counter()
    if (status := client.get(address).status_code) != 200:
        sys.exit(f"{address} gave {status}")
    return time.perf_counter() - begin


def worker(path: Path) -> dict[str, Any]:
    """The upload in a process of its own, as a Celery worker does it; its figures."""
    with tempfile.TemporaryFile() as out:
        subprocess.run([sys.executable, "-m", "bench.upload", str(path)], stdout=out, check=True)
        out.seek(0)
        figures: dict[str, Any] = json.loads(out.read().splitlines()[-1])
    print(f"{'upload of ' + path.name + ', file to preview':<72}{figures['seconds']:9.2f} s   {figures['stages']}", flush=True)
    return figures


def timed(say: str, work: Any) -> float:
    begin = time.perf_counter()
    work()
    seconds = time.perf_counter() - begin
    print(f"{say:<72}{seconds:9.2f} s", flush=True)
    return seconds


# --- ours, in the worker ----------------------------------------------------------------------------------------------------


def work(path: Path) -> dict[str, Any]:
    import django

    django.setup()
    from django.core.files import File

    from orgtree.models import OrgUnit, User
    from registry.choices import UploadState
    from registry.models import Upload, UploadRow
    from registry.reading import Limits, open_book
    from registry.services import uploads

    actor, root = User.objects.get(username="hoa"), OrgUnit.objects.get(parent=None)
    uploads.send_on_commit = lambda *_arguments: None  # nobody listens: this process is the worker
    UploadRow.objects.count()
    idle = memory("VmRSS")
    begin = time.perf_counter()
    sheet = open_book(path, name=path.name, limits=Limits(max_bytes=10**9)).sheet()
    if sum(1 for _ in sheet.rows()) == 0:
        sys.exit("the workbook is empty")
    read_s = time.perf_counter() - begin
    with path.open("rb") as handle:
        upload = uploads.upload_receive(actor=actor, unit=root, file=File(handle), name=path.name)
    stages = Stages()
    uploads.job_advance = stages
    memory_reset()
    begin = time.perf_counter()
    upload = uploads.upload_process(upload=upload)
    seconds = time.perf_counter() - begin
    if upload.state != UploadState.STAGED or upload.returned > upload.read // 500:  # some share name and birthday with people on file
        codes = Upload.objects.get(pk=upload.pk).findings.filter(severity="error").values_list("sheet_row", "field", "code", "value")[:12]
        sys.exit(f"the workbook was not clean: {upload.state}, {upload.returned} returned, {list(codes)}")
    over = memory("VmHWM") - idle
    stages(job=None, stage="end", done=0, total=0)
    return {
        "upload": str(upload.pk),
        "seconds": round(seconds, 2),
        "read_s": round(read_s, 2),
        "rss_over_idle_mb": round(over / 1024),
        "stages": stages.seconds,
    }


class Stages:
    """Stands in for the progress that a page watches, and keeps how long each stage took."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._stage, self._since = "opening", time.perf_counter()

    def __call__(self, *, stage: str, **_more: Any) -> None:
        now = time.perf_counter()
        self.seconds[self._stage] = round(self.seconds.get(self._stage, 0) + now - self._since, 2)
        self._stage, self._since = stage, now


def memory(name: str) -> int:
    """A figure of /proc/self/status in kB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1])


def memory_reset() -> None:
    """Let VmHWM begin anew."""
    Path("/proc/self/clear_refs").write_text("5")


# --- what stands beside it ----------------------------------------------------------------------------------------------------


def copy_source(upload: str) -> tuple[str, list[bytes]]:
    """The rows of an upload as lines of the people's table: its columns, and the body of a COPY."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute "
            "where attrelid = 'registry_staffprofile'::regclass and attnum > 0 and not attisdropped and attgenerated = ''"
        )
        (columns,) = cursor.fetchone()
        made = (
            "select jsonb_populate_record(null::registry_staffprofile, r.values || jsonb_build_object('id', gen_random_uuid(), 'version', 1, "
            "'digest', '\\x00', 'managing_agency_id', r.values -> 'managing_agency', 'using_unit_id', r.values -> 'using_unit')) as row "
            f"from registry_uploadrow r where r.upload_id = '{upload}'"
        )
        with cursor.copy(f"copy (select {', '.join(f'(row).{one}' for one in columns.split(', '))} from ({made}) m) to stdout") as out:
            return columns, [bytes(part) for part in out]


def plain_copy(columns: str, body: list[bytes]) -> None:
    """Nothing but COPY, into a copy of the people's table with its indexes."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("create table bench_copy (like registry_staffprofile including all)")
        with cursor.copy(f"copy bench_copy({columns}) from stdin") as into:
            for part in body:
                into.write(part)
        cursor.execute("drop table bench_copy")


def resource_make() -> Any:
    """A table of the same columns without walls, and import-export's resource for it, as a project would declare them.

    What comes from a list is a foreign key to that list, looked up by what stands in the cell (ForeignKeyWidget): units by code, areas and
    ranks by theirs, codes by their names within their list. Dates and numbers are typed, texts are texts. All options of the resource are
    import-export's own: a dry run with a difference for every row, then the confirmed run, each row looked up, saved and reported by itself.
    It asks nothing of what the gate asks (`clean_model_instances` is off, as it is by default); that would cost it more.
    """
    from django.db import connection, models
    from import_export import fields, resources

    from registry.fields import BY_NAME

    described = {name.replace(".", "_"): BY_NAME[name] for name in column_names(NARROW) if name in BY_NAME}
    columns: dict[str, Any] = {name: _column(one.kind) for name, one in described.items()}
    columns["citizen_id"] = models.CharField(max_length=12, unique=True)
    meta = type("Meta", (), {"app_label": "registry", "db_table": "bench_import"})
    model = type("BenchPerson", (models.Model,), {"__module__": __name__, "Meta": meta, **columns})
    with connection.schema_editor() as editor:
        editor.create_model(model)

    def declared(name: str, one: Any) -> fields.Field:
        return fields.Field(attribute=name, column_name=one.heading, widget=_widget(one) or model_widget(name))

    def model_widget(name: str) -> Any:
        return resources.ModelResource.widget_from_django_field(model._meta.get_field(name))()

    options = type("Meta", (), {"model": model, "import_id_fields": ("citizen_id",), "fields": tuple(described)})
    return type("BenchResource", (resources.ModelResource,), {"Meta": options, **{name: declared(name, one) for name, one in described.items()}})


REFERENCES = {"unit": "orgtree.OrgUnit", "area": "orgtree.Area", "rank": "registry.RankCode", "code": "registry.CodeItem"}


def _column(kind: str) -> Any:
    from django.db import models

    if kind in REFERENCES:
        return models.ForeignKey(REFERENCES[kind], models.PROTECT, null=kind != "unit", related_name="+")
    if kind == "date":
        return models.DateField(null=True)
    if kind in ("int", "number"):
        return models.IntegerField(null=True)
    if kind == "decimal":
        return models.DecimalField(max_digits=14, decimal_places=2, null=True)
    return models.CharField(max_length=2000, default="", blank=True)


def _widget(one: Any) -> Any:
    """How a column of this field is looked up; None for what its type says."""
    from import_export import widgets

    from orgtree.models import Area, OrgUnit
    from registry.models import CodeItem, RankCode

    class OfList(widgets.ForeignKeyWidget):  # type: ignore[misc]
        """A code of this field's list, by its name."""

        def get_queryset(self, *arguments: Any, **more: Any) -> Any:
            return super().get_queryset(*arguments, **more).filter(list=one.code_list)

    if one.kind == "date":
        return widgets.DateWidget("%d/%m/%Y")
    if one.kind == "code":
        return OfList(CodeItem, "name_vi")
    found = {"unit": (OrgUnit, "code"), "area": (Area, "key"), "rank": (RankCode, "code")}.get(one.kind)
    return widgets.ForeignKeyWidget(*found) if found else None


def import_export(resource: Any, path: Path) -> None:
    """What the admin does: a dry run that is rolled back, then the confirmed run, each reading the file. A table of its own, no walls."""
    import tablib

    for dry_run in (True, False):
        data = tablib.Dataset().load(path.read_bytes(), format="xlsx")
        result = resource().import_data(data, dry_run=dry_run, raise_errors=False)
        if result.has_errors() or result.has_validation_errors():
            sys.exit(
                f"import-export refused: {[str(one.error) for _row, errors in result.row_errors()[:2] for one in errors]} {result.invalid_rows[:2]}"
            )
    if (kept := resource._meta.model._default_manager.count()) != SMALL:
        sys.exit(f"import-export kept {kept} rows of {SMALL}")


# --- the workbook --------------------------------------------------------------------------------------------------------------


def workbook_make(path: Path, rows: int, columns: int) -> None:
    names = column_names(columns)
    from registry.fields import BY_NAME

    headings = [BY_NAME[name].heading if name in BY_NAME else name for name in names]
    workbook_write(path, headings, cells(names, rows))


def column_names(columns: int) -> list[str]:
    """Fields of the catalogue, then columns that mean nothing to the program, as lists of offices have them."""
    from registry.fields import FORMER_NUMBER
    from registry.fields.core import FORM

    names = [one.name for one in FORM if one.name != FORMER_NUMBER] + list(EXTRA)  # old cards are records of their own beside the file
    names += [f"Ghi chú {number}" for number in range(1, columns - len(names) + 1)]
    return names[:columns]


def cells(names: Sequence[str], rows: int) -> Iterator[list[Any]]:
    from config.demo.people import people
    from config.demo.workbook import cell
    from orgtree.models import OrgUnit
    from registry.fields import BY_NAME
    from registry.models import CodeItem

    written = {str(key): code for key, code in OrgUnit.objects.values_list("pk", "code")}
    written |= {f"{code_list}:{code}": text for code_list, code, text in CodeItem.objects.values_list("list", "code", "name_vi")}
    examples = {name: BY_NAME[name].example for name in EXTRA}
    pool = list(islice(people(count=min(rows, 5_000), seed=SEED), 5_000))
    for number in range(rows):
        document = pool[number % len(pool)].document
        unique = {"citizen_id": f"{document['citizen_id'][:6]}{number:06}", "staff_number": f"B{number:07}", "social_insurance_no": f"66{number:08}"}
        yield [
            unique.get(name) or examples.get(name) or (f"ghi chú {number % 97}" if name not in BY_NAME else _cell(name, document, written, cell))
            for name in names
        ]


def _cell(name: str, document: Any, written: dict[str, str], cell: Any) -> Any:
    """As `written` names it where the field refers to something: units by code, codes by the name of their list; else as an office writes it."""
    from registry.fields import BY_NAME

    one, value = BY_NAME[name], document.get(name)
    if one.kind == "area":
        return value
    return written.get(value if one.kind == "unit" else f"{one.code_list}:{value}") or cell(name, document)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(work(Path(sys.argv[1]))))
    else:
        main()
