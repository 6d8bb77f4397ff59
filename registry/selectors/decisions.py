"""One decision about many people: what it asks of all of them and of each, and what it would make of their files.

A line is written into a file as a new fact, by the same code as a draft of one file: what held before ends, the present values follow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from operator import or_
from uuid import UUID

from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from orgtree.text import words
from registry.choices import DecisionKind
from registry.lookups import Lookups
from registry.models import DecisionDraft, RankCode, SalaryStep, StaffProfile
from registry.selectors.consequences import OVERFRAME
from registry.selectors.derived import next_overframe
from registry.selectors.drafts import Written, draft_write
from registry.selectors.due import step_due
from registry.selectors.judging import Remark, drafts_remarks, remark_make
from registry.selectors.texts import KIND
from registry.selectors.words import name_asked
from registry.targets import show
from workflows.choices import Act, Severity
from workflows.documents import Document, parse
from workflows.models import RecordVersion

MOST_PEOPLE = 200
DUE = (DecisionKind.SALARY_STEP, DecisionKind.OVERFRAME)  # kinds that fall due by the scale
_SHOWN = 30
_ROW = "n1"


@dataclass(frozen=True)
class Layout:
    """`rows` is the list into which each person's line goes; `common` and `own` are its columns, the same for all or each one's own.

    `fixed` are columns that the kind of decision says by itself.
    """

    rows: str
    common: tuple[str, ...]
    own: tuple[str, ...]
    fixed: Mapping[str, str] = field(default_factory=dict)


LAYOUTS: Mapping[DecisionKind, Layout] = {
    DecisionKind.SALARY_STEP: Layout("salary_history", ("decision_number", "decision_date", "valid_from"), ("rank_code", "step", "coefficient")),
    DecisionKind.APPOINTMENT: Layout("postings", ("decision_number", "decision_date", "valid_from"), ("title", "unit", "movement")),
    DecisionKind.EVALUATION: Layout("annual_results", ("decision_number", "year"), ("grade", "emulation", "commendation")),
    DecisionKind.OVERFRAME: Layout("allowances", ("decision_number", "decision_date", "valid_from"), ("percent",), {"kind": OVERFRAME}),
}


# What a decision cannot do without, though a file may have old rows without it.
REQUIRED: Mapping[DecisionKind, frozenset[str]] = {
    DecisionKind.SALARY_STEP: frozenset(["decision_number", "valid_from", "rank_code", "step", "coefficient"]),
    DecisionKind.APPOINTMENT: frozenset(["decision_number", "valid_from", "title", "unit"]),
    DecisionKind.EVALUATION: frozenset(["year", "grade"]),
    DecisionKind.OVERFRAME: frozenset(["decision_number", "valid_from", "percent"]),
}


@dataclass(frozen=True)
class Line:
    """One person of a decision: their file as it would be, what the rules say of it, and its present state in a few words."""

    profile: StaffProfile
    cells: Mapping[str, str]
    now: str
    written: Written
    base: Document
    remarks: Sequence[Remark] = field(default=())


def decision_get(*, user: User, pk: int) -> DecisionDraft:
    """The user's own draft that was not sent. Raises DecisionDraft.DoesNotExist."""
    return DecisionDraft.objects.get(pk=pk, user=user, request=None)


def people_named(*, user: User, text: str) -> list[StaffProfile]:
    """Files that the user may edit, by every word of the name, the last perhaps only begun, or by a whole number."""
    asked = name_asked(words(text)).exact
    meant = reduce(or_, (one.condition for one in asked), Q(pk=None))
    named = list(_editable(user).filter(meant).order_by("name_sort", "pk")[:_SHOWN])
    return named or list(_editable(user).filter(staff_number=text.strip())[:_SHOWN])


def people_due(*, user: User, kind: DecisionKind, by: date) -> list[StaffProfile]:
    """Files that the user may edit whose next salary step, or whose next over-frame share, falls due on or before the day."""
    on_last = Q(step__gte=F("last_step"))
    due = step_due(_editable(user), by=by).filter(on_last if kind == DecisionKind.OVERFRAME else ~on_last)
    return list(due.order_by("name_sort", "pk")[:MOST_PEOPLE])


def files_editable(*, user: User, keys: Sequence[UUID]) -> list[StaffProfile]:
    """Those of the files that the user may edit, in the order of lists."""
    return list(_editable(user).filter(pk__in=keys).order_by("name_sort", "pk"))


def line_begun(*, kind: DecisionKind, profile: StaffProfile) -> dict[str, str]:
    """What a person's line begins with: the salary step that follows in the scale, or the over-frame share that is next."""
    if kind not in DUE or profile.rank_code is None or profile.step is None:
        return {}
    scale = SalaryStep.objects.filter(salary_class__in=RankCode.objects.filter(code=profile.rank_code).values("salary_class"))
    if kind == DecisionKind.OVERFRAME:
        return _next_share(profile, scale.filter(step=profile.step).first())
    following = scale.filter(step=profile.step + 1).first()
    if following is None:
        return {"rank_code": profile.rank_code}
    return {"rank_code": profile.rank_code, "step": str(following.step), "coefficient": str(following.coefficient).replace(".", ",")}


def _next_share(profile: StaffProfile, scale: SalaryStep | None) -> dict[str, str]:
    """Nothing for who is not on the last step, or whose scale is not known."""
    if scale is None or profile.step_date is None:
        return {}
    found = next_overframe(
        step=scale.step,
        max_step=scale.max_step,
        months=scale.months,
        since=profile.step_date,
        percent=profile.overframe_percent,
        percent_since=profile.overframe_date,
    )
    return {"percent": str(found[0])} if found else {}


def decision_lines(*, draft: DecisionDraft, user: User) -> list[Line]:
    """Every person of the draft whom the user may still edit, each with what the rules find; a fixed number of queries."""
    profiles = files_editable(user=user, keys=[UUID(key) for key in draft.lines])
    if not profiles:
        return []
    bases = _documents(profiles)
    lookups = Lookups(unit=profiles[0].managing_agency, actor=user, day=clock.today())
    kind, written = DecisionKind(draft.kind), []
    for profile in profiles:
        cells = line_cells(kind, draft.common, draft.lines[str(profile.pk)])
        written.append(draft_write(base=bases[profile.pk], cells=cells, act=Act.RECORD, actor=user, profile=profile, lookups=lookups))
    remarks = drafts_remarks(list(zip(profiles, written, strict=True)))
    now = _present(kind, [bases[profile.pk] for profile in profiles])
    return [
        Line(
            profile,
            draft.lines[str(profile.pk)],
            now[place],
            written[place],
            bases[profile.pk],
            _of_line(kind, draft, str(profile.pk), remarks[place]),
        )
        for place, profile in enumerate(profiles)
    ]


def line_cells(kind: DecisionKind, common: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """A line as the cells of a draft: one new row of the list."""
    layout = LAYOUTS[kind]
    texts = {**{name: common.get(name, "") for name in layout.common}, **{name: own.get(name, "") for name in layout.own}}
    return {f"{layout.rows}.{_ROW}.{name}": text for name, text in {**texts, **layout.fixed}.items()}


def column_of_remark(kind: DecisionKind, remark: Remark) -> str:
    """The column of the line that a remark is about, "" for the file as a whole."""
    prefix = f"{LAYOUTS[kind].rows}.{_ROW}."
    return remark.name.removeprefix(prefix) if remark.name.startswith(prefix) else ""


def common_unit(profiles: Sequence[StaffProfile], *, user: User) -> OrgUnit | None:
    """The lowest unit above all of these people in which the user may edit; None where there is none, as across two agencies."""
    units = list(OrgUnit.objects.filter(pk__in={one.using_unit_id for one in profiles}))
    if len({one.tree_id for one in units}) != 1:
        return None
    above = scope.units(user, Action.EDIT).filter(
        tree_id=units[0].tree_id, lft__lte=min(one.lft for one in units), rght__gte=max(one.rght for one in units)
    )
    return above.order_by("-lft").first()


def _editable(user: User) -> QuerySet[StaffProfile]:
    return scope.scoped(StaffProfile.objects.select_related("using_unit", "managing_agency"), user, Action.EDIT, "using_unit")


def _documents(profiles: Sequence[StaffProfile]) -> dict[UUID, Document]:
    versions = {one.pk: one.version for one in profiles}
    rows = RecordVersion.objects.filter(kind=KIND, key__in=versions).values_list("key", "version", "document__body")
    return {key: parse(bytes(body)) for key, version, body in rows if versions[key] == version}


def _present(kind: DecisionKind, bases: Sequence[Document]) -> list[str]:
    """What stands now in that which the decision changes."""
    if kind == DecisionKind.SALARY_STEP:
        ranks = show("rank_code", {base["rank_code"] for base in bases})
        days = show("step_date", {base["step_date"] for base in bases})
        numbers = show("coefficient", {base["coefficient"] for base in bases})
        last, word = _last_steps(bases), _("on the last step: what comes next is the over-frame allowance")
        shown = [
            (ranks[base["rank_code"]], base["step"], numbers[base["coefficient"]], days[base["step_date"]], word if base["step"] == end else "")
            for base, end in ((base, last.get(base["rank_code"] or "", 0)) for base in bases)
        ]
        return [" · ".join(str(part) for part in parts if part) for parts in shown]
    if kind == DecisionKind.APPOINTMENT:
        return [next((row["title"] for row in base["postings"] if row["valid_to"] is None), "") for base in bases]
    if kind == DecisionKind.OVERFRAME:
        days = show("overframe_date", {base["overframe_date"] for base in bases})
        return [f"{base['overframe_percent']} % · {days[base['overframe_date']]}" if base["overframe_percent"] else "" for base in bases]
    grades = show("annual_results.grade", {row["grade"] for base in bases for row in base["annual_results"]})
    latest = [max(base["annual_results"], key=lambda row: row["year"], default=None) for base in bases]
    return [f"{row['year']}: {grades[row['grade']]}" if row else "" for row in latest]


def _last_steps(bases: Sequence[Document]) -> dict[str, int]:
    """The last step of each rank that the scale knows. One query."""
    steps = SalaryStep.objects.filter(salary_class=OuterRef("salary_class")).values("max_step")[:1]
    known = RankCode.objects.filter(code__in={base["rank_code"] for base in bases if base["rank_code"]}).annotate(last=Subquery(steps))
    return {code: last for code, last in known.values_list("code", "last") if last}


def _of_line(kind: DecisionKind, draft: DecisionDraft, key: str, remarks: Sequence[Remark]) -> list[Remark]:
    """What the decision is answerable for: all errors, since they keep it from being sent, and remarks on its own row; what is missing first."""
    texts = {**draft.common, **draft.lines[key]}
    missing = [name for name in (*LAYOUTS[kind].common, *LAYOUTS[kind].own) if name in REQUIRED[kind] and not texts.get(name)]
    # A row that lacks something is judged when it is whole.
    told = [one for one in remarks if (column_of_remark(kind, one) and not missing) or (one.is_error and not column_of_remark(kind, one))]
    return [*(remark_make(f"{LAYOUTS[kind].rows}.{_ROW}.{name}", "REQUIRED", Severity.ERROR) for name in missing), *told]
