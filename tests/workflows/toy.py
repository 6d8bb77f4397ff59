"""A kind of record made for the gate's own tests: a note with lines, in tables that exist only on the test's database."""

import uuid
from contextlib import contextmanager

from django.db import connection, models
from django.db.models import F, Q

from workflows import targets
from workflows.choices import Severity
from workflows.documents import Field, Rows, Schema
from workflows.opened import opened_model
from workflows.rules import Check, Rule
from workflows.sqlwrite import write_records, write_rows
from workflows.walls import GateGuard

NOTE = Schema(
    name="toy_note",
    version=1,
    fields=(
        Field("name", max_length=50, required=True),
        Field("code", max_length=20),
        Field("amount", "decimal", precision=6, scale=2),
        Field("count", "int"),
        Field("day", "date"),
        Field("urgent", "bool"),
        Field("unit", "uuid", column="unit_id"),
    ),
    rows=(Rows("lines", (Field("text", max_length=40), Field("day", "date"))),),
)


class Note(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    version = models.IntegerField()
    digest = models.BinaryField()
    name = models.TextField()
    code = models.TextField(null=True, unique=True)
    amount = models.DecimalField(max_digits=6, decimal_places=2, null=True)
    count = models.IntegerField(null=True)
    day = models.DateField(null=True)
    urgent = models.BooleanField(null=True)
    unit = models.ForeignKey("orgtree.OrgUnit", models.PROTECT, null=True, related_name="+")

    class Meta:
        app_label = "workflows"
        db_table = "toy_note"
        managed = False


class NoteLine(models.Model):
    id = models.BigAutoField(primary_key=True)
    note = models.ForeignKey(Note, models.PROTECT, related_name="lines")
    text = models.TextField(null=True)
    day = models.DateField(null=True)

    class Meta:
        app_label = "workflows"
        db_table = "toy_line"
        managed = False


OpenedNote = opened_model(Note, db_table="opened_toy_note")
OpenedNoteLine = opened_model(NoteLine, db_table="opened_toy_line", relations={"note": OpenedNote})


def _bad_name(check: Check):
    return check.subject.records.filter(Q(name__isnull=True) | Q(name__contains="bad"))


def _shared_code(check: Check):
    return check.subject.records.filter(check.others.share("code"), code__isnull=False)


def _late_line(check: Check):
    return check.subject.rows["lines"].filter(day__gt=check.today)


class NoteTarget(targets.Target):
    kind, label, order, schema = "toy_note", "note", 50, NOTE
    live, opened = Note, OpenedNote
    rows = {"lines": targets.RowsBinding(NoteLine, OpenedNoteLine, "note_id")}
    unit_columns, indexed = ("unit_id",), ("code",)
    rules = (
        Rule(code="NAME_BAD", severity=Severity.ERROR, field="name", message="bad", source="test", find=_bad_name),
        Rule(code="CODE_SHARED", severity=Severity.ERROR, field="code", message="shared", source="test", find=_shared_code),
        Rule(
            code="LINE_LATE", severity=Severity.WARNING, field="lines", rows="lines", value=F("day"), message="late", source="test", find=_late_line
        ),
    )

    def natural_key(self, document):
        return document["code"]

    def title(self, document):
        return document["name"] or ""

    def project(self):
        write_records(self)
        write_rows(self)


@contextmanager
def toy_kind():
    """The kind registered and its tables made, on the database now connected."""
    with connection.schema_editor() as editor:
        editor.create_model(Note)
        editor.create_model(NoteLine)
        for table in ("toy_note", "toy_line"):
            editor.execute(GateGuard(table).sql)
    one = NoteTarget()
    targets.register(one)
    try:
        yield one
    finally:
        targets._targets.pop(one.kind)
