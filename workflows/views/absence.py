"""Absence: who decides in one's place, in whose place one decides, and the deputies of an office for when nobody was named."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.validators import MaxValueValidator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from orgtree.pages import page, page_view
from workflows.choices import RiskClass
from workflows.errors import GateError
from workflows.models import Absence, Delegation, Deputy
from workflows.services.delegations import delegation_give, delegation_revoke
from workflows.services.standing_in import absence_end, absence_record, deputy_appoint, deputy_remove

LAST_DAY = date(9998, 12, 31)  # the day after it must still be a date


class PeriodForm(forms.Form):
    """The last day is the last one in force, as a written decision says it."""

    first_day = forms.DateField(widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"), input_formats=["%Y-%m-%d"], label=gettext_lazy("From"))
    last_day = forms.DateField(
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        label=gettext_lazy("To"),
        validators=[MaxValueValidator(LAST_DAY)],
    )

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        for field in self.fields.values():
            if not isinstance(field.widget, forms.CheckboxSelectMultiple):
                field.widget.attrs["class"] = "hs-input"

    @property
    def period(self) -> dict[str, date]:
        return {"valid_from": self.cleaned_data["first_day"], "valid_to": self.cleaned_data["last_day"] + timedelta(days=1)}


class MandateForm(PeriodForm):
    """Somebody who may decide: where, on what, and under which decision. `colleagues` are, by unit, those to choose from."""

    person = forms.TypedChoiceField(label=gettext_lazy("Receiver"))
    unit = forms.TypedChoiceField(label=gettext_lazy("Unit and below"))
    risks = forms.MultipleChoiceField(
        choices=RiskClass.choices, initial=RiskClass.values, widget=forms.CheckboxSelectMultiple, label=gettext_lazy("Risk classes")
    )
    decision_number = forms.CharField(max_length=60, label=gettext_lazy("Decision number"))
    field_order = ("person", "unit", "risks", "first_day", "last_day", "decision_number")

    def __init__(self, user: User, colleagues: Mapping[OrgUnit, Collection[User]], *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        people = {one.username: one for group in colleagues.values() for one in group if one != user}
        by_name = sorted(people.values(), key=lambda one: (one.first_name, one.last_name, one.pk))
        _choose(self.fields["person"], {one.username: (one, f"{one.display_name} ({one.username})") for one in by_name})
        _choose(self.fields["unit"], {str(one.pk): (one, str(one)) for one in colleagues})

    @property
    def said(self) -> dict[str, Any]:
        return {**{name: self.cleaned_data[name] for name in ("unit", "risks", "decision_number")}, **self.period}


def _choose(field: Any, named: Mapping[str, tuple[Any, str]]) -> None:
    """Let `field` choose among objects by their keys; each has its text."""
    field.choices = [("", "---------"), *((key, text) for key, (_one, text) in named.items())]
    field.coerce = lambda key: named[key][0]


class DeputyForm(MandateForm):
    rank = forms.IntegerField(min_value=1, max_value=20, initial=1, label=gettext_lazy("Order"))
    field_order = ("person", "unit", "rank", "risks", "first_day", "last_day", "decision_number")

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["person"].label = gettext_lazy("Deputy")


@page_view
@require_http_methods(["GET", "POST"])
def absence(request: HttpRequest) -> HttpResponse:
    """Whoever approves somewhere names a colleague, or says that they are away; deputies of an office are named by who leads or administers it."""
    user, asked = request.user, request.POST.get("what", "")
    today = clock.today()
    tops = list(scope.tops(user, Action.APPROVE, Action.GRANT).order_by("tree_id", "lft"))
    colleagues = scope.holders_together(Action.VIEW, tops)
    mine = {unit: colleagues[unit] for unit in tops if scope.can(user, Action.APPROVE, unit)}
    makers: Mapping[str, Callable[[Any], forms.Form] | None] = {
        "delegation": (lambda data: MandateForm(user, mine, data, initial={"first_day": today}, prefix="delegation")) if mine else None,
        "absence": (lambda data: PeriodForm(data, initial={"first_day": today}, prefix="absence")) if mine else None,
        "deputy": (lambda data: DeputyForm(user, colleagues, data, initial={"first_day": today}, prefix="deputy")) if tops else None,
    }
    forms_ = {name: make(request.POST if name == asked else None) for name, make in makers.items() if make}
    if asked in forms_ and forms_[asked].is_valid():
        try:
            said = RECORDERS[asked](user, forms_[asked])
        except GateError as error:
            forms_[asked].add_error(None, str(error))
        else:
            messages.success(request, said)
            return redirect("workflows:absence")
    return page(
        request,
        "workflows/absence.html",
        _("Absence"),
        status=422 if asked else 200,
        forms=forms_,
        asked=asked,
        delegations=Delegation.objects.filter(Q(giver=user) | Q(receiver=user), revoked_at=None, valid_to__gt=today)
        .select_related("giver", "receiver", "unit")
        .order_by("valid_from"),
        absences=_absences(user),
        deputies=_deputies(user),
    )


@page_view
@require_POST
def revoke(request: HttpRequest, delegation_id: int) -> HttpResponse:
    one = Delegation.objects.filter(Q(giver=request.user) | Q(receiver=request.user), pk=delegation_id).select_related("unit").first()
    if one is None:
        raise Http404
    delegation_revoke(actor=request.user, delegation=one)
    messages.success(request, _("The delegation has ended."))
    return redirect("workflows:absence")


@page_view
@require_POST
def back(request: HttpRequest, absence_id: int) -> HttpResponse:
    one = _absences(request.user).filter(pk=absence_id).first()
    if one is None:
        raise Http404
    absence_end(actor=request.user, absence=one)
    messages.success(request, _("Welcome back. The deputies no longer decide in your place."))
    return redirect("workflows:absence")


@page_view
@require_POST
def dismiss(request: HttpRequest, deputy_id: int) -> HttpResponse:
    # One who was removed meanwhile is still known here: removing twice changes nothing.
    one = scope.scoped(Deputy.objects.select_related("unit", "user"), request.user, Action.VIEW).filter(pk=deputy_id).first()
    if one is None:
        raise Http404
    try:
        deputy_remove(actor=request.user, deputy=one)
    except GateError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The deputy has been removed."))
    return redirect("workflows:absence")


def _absences(user: User) -> QuerySet[Absence]:
    return Absence.objects.filter(user=user, ended_at=None, valid_to__gt=clock.today()).select_related("user").order_by("valid_from")


def _deputies(user: User) -> QuerySet[Deputy]:
    """Deputies of the offices that `user` may view, by office and order."""
    current = Deputy.objects.filter(revoked_at=None, valid_to__gt=clock.today())
    return scope.scoped(current, user, Action.VIEW).select_related("unit", "user").order_by("unit__tree_id", "unit__lft", "rank", "pk")


def _delegate(user: User, form: Any) -> str:
    delegation_give(actor=user, giver=user, receiver=form.cleaned_data["person"], **form.said)
    return _("Recorded. The receiver decides in your place from the first day on.")


def _leave(user: User, form: Any) -> str:
    absence_record(actor=user, user=user, **form.period)
    return _("Recorded. While you are away the deputies of the office decide, in their order.")


def _appoint(user: User, form: Any) -> str:
    deputy_appoint(actor=user, user=form.cleaned_data["person"], rank=form.cleaned_data["rank"], **form.said)
    return _("Recorded. The deputy decides only while whoever holds the right is away and named nobody.")


RECORDERS: Mapping[str, Callable[[User, Any], str]] = {"delegation": _delegate, "absence": _leave, "deputy": _appoint}
