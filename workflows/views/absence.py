"""Absence: who decides in one's place, and in whose place one decides."""

from __future__ import annotations

from datetime import date

from django import forms
from django.contrib import messages
from django.core.validators import MaxValueValidator
from django.db.models import Q
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
from workflows.models import Delegation
from workflows.services.delegations import delegation_give, delegation_revoke

LAST_DAY = date(9998, 12, 31)  # the day after it must still be a date


class DelegationForm(forms.Form):
    """The last day is the last one in force, as a written decision says it."""

    receiver = forms.ModelChoiceField(User.objects.none(), to_field_name="username", label=gettext_lazy("Receiver"))
    unit = forms.ModelChoiceField(OrgUnit.objects.none(), label=gettext_lazy("Unit and below"))
    risks = forms.MultipleChoiceField(
        choices=RiskClass.choices, initial=RiskClass.values, widget=forms.CheckboxSelectMultiple, label=gettext_lazy("Risk classes")
    )
    first_day = forms.DateField(widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"), input_formats=["%Y-%m-%d"], label=gettext_lazy("From"))
    last_day = forms.DateField(
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        label=gettext_lazy("To"),
        validators=[MaxValueValidator(LAST_DAY)],
    )
    decision_number = forms.CharField(max_length=60, label=gettext_lazy("Decision number"))

    def __init__(self, user: User, *args: object, **more: object) -> None:
        super().__init__(*args, **more)  # type: ignore[arg-type]
        units = scope.tops(user, Action.APPROVE)
        self.fields["unit"].queryset = units  # type: ignore[attr-defined]
        colleagues = {person.pk for unit in units for person in scope.holders(Action.VIEW, unit)} - {user.pk}
        self.fields["receiver"].queryset = User.objects.filter(pk__in=colleagues).order_by("username")  # type: ignore[attr-defined]
        self.fields["receiver"].label_from_instance = lambda person: person.display_name  # type: ignore[attr-defined]
        for field in self.fields.values():
            if not isinstance(field.widget, forms.CheckboxSelectMultiple):
                field.widget.attrs["class"] = "hs-input"


@page_view
@require_http_methods(["GET", "POST"])
def absence(request: HttpRequest) -> HttpResponse:
    """Whoever approves somewhere may give that to a colleague; everybody sees what concerns them."""
    form = DelegationForm(request.user, request.POST or None, initial={"first_day": clock.today()})
    if request.method == "POST" and form.is_valid():
        try:
            delegation_give(actor=request.user, giver=request.user, **_said(form.cleaned_data))
        except GateError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Recorded. The receiver decides in your place from the first day on."))
            return redirect("workflows:absence")
    mine = Delegation.objects.filter(Q(giver=request.user) | Q(receiver=request.user), revoked_at=None, valid_to__gt=clock.today())
    return page(
        request,
        "workflows/absence.html",
        _("Absence"),
        status=422 if form.is_bound else 200,
        form=form if form.fields["unit"].queryset.exists() else None,  # type: ignore[attr-defined]
        delegations=mine.select_related("giver", "receiver", "unit").order_by("valid_from"),
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


def _said(values: dict[str, object]) -> dict[str, object]:
    said = {name: values[name] for name in ("receiver", "unit", "risks", "decision_number")}
    last = values["last_day"]
    assert isinstance(last, date)
    return {**said, "valid_from": values["first_day"], "valid_to": date.fromordinal(last.toordinal() + 1)}
