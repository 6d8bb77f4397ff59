"""Ranks and the salary scale: pages to look at them, and forms that propose one rank or one step to the gate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from orgtree import clock
from orgtree.models import OrgUnit, User
from orgtree.pages import page, page_view
from registry.models import RankCode, SalaryStep
from registry.selectors.code_lists import code_authority
from registry.selectors.scales import rank_groups, rank_lines, salary_classes, step_lines
from registry.services.codes import rank_propose, step_propose
from registry.targets.scales import LABELS, RankEntryTarget, StepEntryTarget
from workflows.selectors.findings import finding_line
from workflows.services.staging import Staged
from workflows.targets import target

Kind = Literal["text", "whole", "number", "date"]


@dataclass(frozen=True)
class Part:
    """A field of the form. `is_key` cannot be changed once it stands; `offers` are values to choose among."""

    name: str
    kind: Kind = "text"
    most: int = 200
    required: bool = False
    is_key: bool = False
    help: str | Promise = ""
    offers: Callable[[], list[str]] = list

    @property
    def column(self) -> str:
        """Where the lists have it: they were there before the gate's records."""
        return "group" if self.name == "category" else self.name

    @property
    def label(self) -> str | Promise:
        return LABELS[self.name]


@dataclass(frozen=True)
class Scale:
    """What ranks and steps differ in."""

    name: str
    title: str | Promise
    change: str | Promise
    add: str | Promise
    kind: str
    parts: tuple[Part, ...]
    get: Callable[[str], Any]
    propose: Callable[[User, OrgUnit, dict[str, Any]], Staged]


def _step(key: str) -> SalaryStep | None:
    """The step that "A1:3" names."""
    name, _colon, step = key.rpartition(":")
    return SalaryStep.objects.filter(salary_class=name, step=int(step)).first() if step.isascii() and step.isdecimal() and len(step) < 4 else None


SOURCE = Part("source", required=True, help=gettext_lazy("The decree, circular or decision, with its article."))
RANKS = Scale(
    name="ranks",
    title=gettext_lazy("Ranks and professional titles"),
    change=gettext_lazy("Change a rank"),
    add=gettext_lazy("Add a rank"),
    kind=RankEntryTarget.kind,
    parts=(
        Part("code", most=20, required=True, is_key=True),
        Part("title", required=True),
        Part("category", most=20, required=True, offers=rank_groups),
        Part("grade", most=5),
        Part("salary_class", most=10, offers=salary_classes),
        Part("old_code", most=20),
        Part("valid_from", kind="date"),
        Part("valid_to", kind="date", help=gettext_lazy("The first day on which it may no longer be used.")),
        SOURCE,
    ),
    get=lambda key: RankCode.objects.filter(code=key).first(),
    propose=lambda actor, unit, values: rank_propose(actor=actor, unit=unit, code=values.pop("code") or "", values=values),
)
STEPS = Scale(
    name="steps",
    title=gettext_lazy("Salary scale"),
    change=gettext_lazy("Change a salary step"),
    add=gettext_lazy("Add a salary step"),
    kind=StepEntryTarget.kind,
    parts=(
        Part("salary_class", most=10, required=True, is_key=True),
        Part("step", kind="whole", most=2, required=True, is_key=True),
        Part("coefficient", kind="number", most=5, required=True),
        Part("months", kind="whole", most=3, required=True, help=gettext_lazy("How long one stays in the step before the next one is due.")),
        Part("max_step", kind="whole", most=2, required=True),
        SOURCE,
    ),
    get=_step,
    propose=lambda actor, unit, values: step_propose(
        actor=actor, unit=unit, salary_class=values.pop("salary_class") or "", step=values.pop("step"), values=values
    ),
)
SCALES = {one.name: one for one in (RANKS, STEPS)}


@page_view
@require_GET
def scale_list(request: HttpRequest, name: str) -> HttpResponse:
    """`?q=` part of a code, a title, a class."""
    scale = _scale(name)
    text = request.GET.get("q", "").strip()[:100]
    lines = rank_lines(text=text, on=clock.today()) if scale is RANKS else step_lines(text=text)
    context = {"scale": scale, "lines": lines, "text": text, "labels": LABELS, "may_propose": code_authority(request.user) is not None}
    return page(request, f"registry/scale_{name}.html", scale.title, **context)


@page_view
@require_http_methods(["GET", "POST"])
def scale_edit(request: HttpRequest, name: str) -> HttpResponse:
    """Propose a new rank or step, or a change of `?key=`. It becomes a request like any other."""
    scale, unit = _scale(name), code_authority(request.user)
    item = scale.get(request.GET.get("key", ""))
    if unit is None or (request.GET.get("key") and item is None):
        raise Http404
    values = {part.name: _shown(getattr(item, part.column)) if item else "" for part in scale.parts}
    remarks: list[Any] = []
    if request.method == "POST":
        values |= {part.name: request.POST.get(part.name, "").strip() for part in scale.parts if not (item and part.is_key)}
        staged = scale.propose(request.user, unit, {part.name: _read(part, values[part.name]) for part in scale.parts})
        if staged.request is not None:
            messages.success(request, _("Your change is ready. Look at it once more, then submit it."))
            return redirect("workflows:request_detail", staged.request.pk)
        found = [each for one in staged.returned.values() for each in one]
        remarks = [finding_line(target(scale.kind), code=one.code, severity=one.severity, field=one.field, value=one.value) for one in found]
    context = {
        "scale": scale,
        "item": item,
        "parts": [(part, values[part.name], part.offers()) for part in scale.parts],
        "remarks": remarks,
        "nothing": request.method == "POST" and not remarks,
    }
    title = scale.change if item else scale.add
    return page(request, "registry/scale_edit.html", title, status=422 if remarks else 200, **context)


def _scale(name: str) -> Scale:
    try:
        return SCALES[name]
    except KeyError:
        raise Http404 from None


def _shown(value: Any) -> str:
    """As it is typed: a comma before the fraction, days as the field of the browser wants them."""
    return "" if value is None else str(value).replace(".", ",") if isinstance(value, Decimal) else str(value)


def _read(part: Part, text: str) -> Any:
    """What was typed as a value of the document; what is none stays text, and the gate says what is wrong with it."""
    if part.kind == "whole" and text.isascii() and text.isdecimal():
        return int(text)
    if part.kind == "number" and text:
        try:
            return str(Decimal(text.replace(",", ".")).quantize(Decimal("0.01")))
        except InvalidOperation:
            return text
    return text or None
