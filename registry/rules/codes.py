"""What makes a code right: it is whole, its list exists, its period runs forward, and it stays what it was."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from registry.models.codes import CodeEntry, CodeItem
from registry.rules.expressions import records
from workflows.choices import Severity
from workflows.rules import Check, Rule

HOUSE = "registry/data/README.md"
REQUIRED = ("list", "code", "name_vi", "source")
FORM = r"^[A-Za-z0-9._-]{1,20}$"


def _list_unknown(check: Check) -> QuerySet[Any]:
    return check.subject.records.filter(~Exists(CodeItem.objects.filter(list=OuterRef("list"))), list__isnull=False)


def _moved(check: Check) -> QuerySet[Any]:
    on_file = CodeEntry.objects.filter(pk=OuterRef("pk")).exclude(list=OuterRef("list"), code=OuterRef("code"))
    return check.subject.records.filter(Exists(on_file))


def code_form(source: str) -> Rule:
    """A code is written so that every system can take it; `source` is where the codes of this kind come from."""
    return Rule(
        code="CODE_FORM",
        severity=Severity.ERROR,
        field="code",
        message=_("The code {value} holds signs that do not belong in a code."),
        source=source,
        find=records(Q(code__isnull=False) & ~Q(code__regex=FORM)),
        repair=_("Write at most 20 letters without accents, digits, dots and dashes."),
    )


RULES: tuple[Rule, ...] = (
    *(
        Rule(
            code="REQUIRED",
            severity=Severity.ERROR,
            field=field,
            message=_("This field must be filled in."),
            source=HOUSE,
            find=records(Q(**{f"{field}__isnull": True})),
            repair=_("Name the code, what it means, and the decree or circular on which it stands."),
        )
        for field in REQUIRED
    ),
    code_form(HOUSE),
    Rule(
        code="LIST_UNKNOWN",
        severity=Severity.ERROR,
        field="list",
        message=_("There is no code list {value}."),
        source=HOUSE,
        find=_list_unknown,
        repair=_("Open the list and propose the code there."),
    ),
    Rule(
        code="CODE_PERIOD",
        severity=Severity.ERROR,
        field="valid_to",
        message=_("The period ends on {value}, not after its beginning."),
        source=HOUSE,
        find=records(Q(valid_to__lte=F("valid_from"))),
        repair=_("Compare both days with the decree."),
    ),
    Rule(
        code="CODE_MOVED",
        severity=Severity.ERROR,
        field="code",
        message=_("List and code of a code never change."),
        source=HOUSE,
        find=_moved,
        repair=_("End this code, and add another."),
    ),
)
