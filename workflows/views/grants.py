"""Giving, renewing and ending grants: one person proposes on these pages, another decides on them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.validators import MaxValueValidator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from orgtree import clock, scope
from orgtree.choices import Action, Role
from orgtree.models import Grant, OrgUnit, User
from orgtree.pages import page, page_view
from orgtree.services.grants import GrantError, latest_end
from orgtree.stepup import require_proof
from orgtree.text import plain
from workflows.choices import GrantState
from workflows.errors import GateError, GrantListInvalid
from workflows.models import GrantChange
from workflows.selectors.rights import changes_seen, changes_waiting, gives_grants, grants_seen, people_found
from workflows.services.grant_lists import MAX_LINES, grants_import
from workflows.services.grants import (
    grant_change_refuse,
    grant_change_withdraw,
    grant_changes_confirm,
    grant_end_propose,
    grant_propose,
    grant_renew_propose,
)

LAST_DAY = date(9998, 12, 31)  # the day after it must still be a date
SHOWN = 50
USUAL = timedelta(days=365)
Refusal = (GateError, GrantError)


def day_field(label: Any, **more: Any) -> forms.DateField:
    widget = forms.DateInput({"type": "date", "class": "hs-input"}, format="%Y-%m-%d")
    return forms.DateField(widget=widget, input_formats=["%Y-%m-%d"], label=label, validators=[MaxValueValidator(LAST_DAY)], **more)


class PeriodForm(forms.Form):
    last_day = day_field(gettext_lazy("Last day"))
    reason = forms.CharField(
        max_length=300,
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy("Best with the number of the written decision. Who confirms it reads this."),
    )

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        for field in self.fields.values():
            field.widget.attrs["class"] = "hs-input"


class GrantForm(PeriodForm):
    """The account is named by its login, or by a name that only one person has; the unit by its code."""

    field_order = ("user", "role", "unit", "first_day", "last_day", "reason")
    user = forms.CharField(max_length=150, label=gettext_lazy("To whom"), help_text=gettext_lazy("User name, or the full name."))
    role = forms.ChoiceField(choices=Role.choices, label=gettext_lazy("Role"))
    unit = forms.CharField(
        max_length=60, label=gettext_lazy("Unit and below"), help_text=gettext_lazy("Code of the unit, as in the organisation tree.")
    )
    first_day = day_field(gettext_lazy("First day"))

    def __init__(self, giver: User, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.giver = giver

    def clean_user(self) -> User:
        text = self.cleaned_data["user"]
        exact = User.objects.filter(username=text, is_active=True).first()
        found = [exact] if exact else [one for one in people_found(reader=self.giver, text=text) if one.is_active]
        alike = [one for one in found if plain(one.display_name) == plain(text)] or found
        if not alike:
            raise forms.ValidationError(_("Nobody with an active account is called so. Look the user name up in the list of accounts."))
        if len(alike) > 1:
            named = ", ".join(f"{one.display_name} ({one.username})" for one in alike[:6])
            raise forms.ValidationError(_("Several people are called so: %(names)s. Write the user name in brackets.") % {"names": named})
        return alike[0]

    def clean_unit(self) -> OrgUnit:
        unit = scope.units(self.giver, Action.GRANT).filter(code=self.cleaned_data["unit"].strip().upper()).first()
        if unit is None:
            raise forms.ValidationError(_("You give no grants in a unit with this code."))
        return unit

    def clean_role(self) -> Role:
        return Role(self.cleaned_data["role"])


class EndForm(PeriodForm):
    last_day = None  # type: ignore[assignment]
    on = day_field(gettext_lazy("Without the right from"))
    field_order = ("on", "reason")


class ListForm(forms.Form):
    file = forms.FileField(
        required=False, label=gettext_lazy("File (.csv)"), widget=forms.ClearableFileInput({"class": "hs-input", "accept": ".csv,.txt"})
    )
    text = forms.CharField(
        required=False,
        max_length=200_000,
        label=gettext_lazy("or lines pasted from a spreadsheet"),
        widget=forms.Textarea({"class": "hs-input", "rows": 8}),
    )
    reason = forms.CharField(max_length=300, label=gettext_lazy("Reason"), widget=forms.TextInput({"class": "hs-input"}))

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if file := values.get("file"):
            if file.size > 200_000:
                raise forms.ValidationError(_("The file is too large for a list of %(most)d lines.") % {"most": MAX_LINES})
            try:
                values["text"] = file.read().decode("utf-8-sig")
            except UnicodeDecodeError as error:
                raise forms.ValidationError(_("The file is not in UTF-8. Save it in the spreadsheet as “CSV UTF-8”.")) from error
        if not values.get("text", "").strip():
            raise forms.ValidationError(_("Choose a file, or paste the lines."))
        return values


@page_view
@require_http_methods(["GET", "POST"])
def give(request: HttpRequest) -> HttpResponse:
    """Propose a grant; the address may name the unit (`?unit=` its code) and the person (`?user=` the login)."""
    _giver_or_404(request.user)
    require_proof(request)
    today = clock.today()
    initial = {"unit": request.GET.get("unit", ""), "user": request.GET.get("user", ""), "first_day": today, "last_day": _usual_end(today)}
    form = GrantForm(request.user, request.POST or None, initial=initial)
    if form.is_valid():
        values = form.cleaned_data
        made = _proposed(
            request,
            form,
            grant_propose,
            valid_to=values["last_day"] + timedelta(days=1),
            **{name: values[name] for name in ("user", "role", "unit", "reason")},
            valid_from=values["first_day"],
        )
        if made:
            return redirect("workflows:rights_person", made.user_id)
    return _form_page(request, form, _("Propose a grant"), longest=latest_end(today))


@page_view
@require_http_methods(["GET", "POST"])
def renew(request: HttpRequest, grant_id: int) -> HttpResponse:
    grant = _grant_or_404(request.user, grant_id)
    require_proof(request)
    begins = max(grant.valid_to, clock.today())
    form = PeriodForm(request.POST or None, initial={"last_day": _usual_end(begins)})
    if form.is_valid() and _proposed(
        request,
        form,
        grant_renew_propose,
        grant=grant,
        valid_to=form.cleaned_data["last_day"] + timedelta(days=1),
        reason=form.cleaned_data["reason"],
    ):
        return redirect("workflows:rights_person", grant.user_id)
    return _form_page(request, form, _("Propose to renew a grant"), grant=grant, begins=begins, longest=latest_end(begins))


@page_view
@require_http_methods(["GET", "POST"])
def end(request: HttpRequest, grant_id: int) -> HttpResponse:
    grant = _grant_or_404(request.user, grant_id)
    require_proof(request)
    form = EndForm(request.POST or None, initial={"on": clock.today()})
    if form.is_valid() and _proposed(request, form, grant_end_propose, grant=grant, on=form.cleaned_data["on"], reason=form.cleaned_data["reason"]):
        return redirect("workflows:rights_person", grant.user_id)
    return _form_page(request, form, _("Propose to end a grant"), grant=grant)


@page_view
@require_http_methods(["GET", "POST"])
def bring_list(request: HttpRequest) -> HttpResponse:
    _giver_or_404(request.user)
    require_proof(request)
    form = ListForm(request.POST or None, request.FILES or None)
    problems = []
    if form.is_valid():
        try:
            made = grants_import(actor=request.user, text=form.cleaned_data["text"], reason=form.cleaned_data["reason"])
        except GrantListInvalid as refused:
            problems = refused.detail["problems"]
            form.add_error(None, str(refused))
        except Refusal as refused:
            form.add_error(None, str(refused))
        else:
            said = ngettext(
                "%(count)d grant is proposed. Somebody else confirms it.", "%(count)d grants are proposed. Somebody else confirms them.", len(made)
            )
            messages.success(request, said % {"count": len(made)})
            return redirect("workflows:grant_changes")
    status = 422 if form.is_bound else 200
    example = "\t".join(["lan.nguyen", str(Role.CLERK.label), "H15.70", f"{clock.today():%d/%m/%Y}", f"{_usual_end(clock.today()):%d/%m/%Y}"])
    return page(
        request, "workflows/grant_list.html", _("A list of grants"), status=status, form=form, problems=problems, example=example, most=MAX_LINES
    )


@page_view
@require_GET
def changes(request: HttpRequest) -> HttpResponse:
    """What waits for the reader's confirmation, what they proposed, and what became of the rest."""
    seen = changes_seen(request.user)
    return page(
        request,
        "workflows/grant_changes.html",
        _("Grants to confirm"),
        waiting=changes_waiting(request.user),
        mine=seen.filter(proposer=request.user, state=GrantState.PROPOSED),
        done=seen.exclude(state=GrantState.PROPOSED)[:SHOWN],
        gives=gives_grants(request.user),
    )


@page_view
@require_POST
def confirm(request: HttpRequest) -> HttpResponse:
    """Confirm the chosen proposals, all or none of them."""
    require_proof(request)
    chosen = [UUID(one) for one in request.POST.getlist("change") if _is_uuid(one)]
    known = set(changes_waiting(request.user).filter(pk__in=chosen).values_list("pk", flat=True))
    if not chosen or known != set(chosen):
        messages.error(request, _("Choose what you confirm. What somebody else decided meanwhile is no longer in the list."))
        return redirect("workflows:grant_changes")
    try:
        made = grant_changes_confirm(actor=request.user, change_ids=chosen)
    except Refusal as refused:
        messages.error(request, _("Nothing was confirmed: %(why)s") % {"why": refused})
    else:
        said = ngettext("%(count)d change of rights is in force.", "%(count)d changes of rights are in force.", len(made)) % {"count": len(made)}
        messages.success(request, said)
    return redirect("workflows:grant_changes")


@page_view
@require_POST
def refuse(request: HttpRequest, change_id: UUID) -> HttpResponse:
    change = _change_or_404(request.user, change_id)
    try:
        grant_change_refuse(actor=request.user, change_id=change.pk, reason=request.POST.get("reason", ""))
    except Refusal as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Refused. Who proposed it reads your reason."))
    return redirect("workflows:grant_changes")


@page_view
@require_POST
def withdraw(request: HttpRequest, change_id: UUID) -> HttpResponse:
    change = _change_or_404(request.user, change_id)
    try:
        grant_change_withdraw(actor=request.user, change_id=change.pk)
    except Refusal as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("The proposal has been withdrawn; no right was changed."))
    return redirect("workflows:grant_changes")


def _proposed(request: HttpRequest, form: forms.Form, propose: Any, **values: Any) -> GrantChange | None:
    """The proposal, with a word to the reader; None, with the reason on the form, when it was refused."""
    try:
        made: GrantChange = propose(actor=request.user, **values)
    except Refusal as refused:
        form.add_error(None, str(refused))
        return None
    messages.success(request, _("Proposed. It takes effect when somebody else who gives grants in this unit confirms it."))
    return made


def _form_page(request: HttpRequest, form: forms.Form, title: str, **context: Any) -> HttpResponse:
    return page(request, "workflows/grant_form.html", title, status=422 if form.is_bound else 200, form=form, **context)


def _giver_or_404(user: User) -> None:
    if not gives_grants(user):
        raise Http404


def _grant_or_404(user: User, grant_id: int) -> Grant:
    """A grant in a unit where `user` gives them; their own is for others to renew or end."""
    grant = scope.scoped(grants_seen(user), user, Action.GRANT).exclude(user=user).filter(pk=grant_id).first()
    if grant is None:
        raise Http404
    return grant


def _change_or_404(user: User, change_id: UUID) -> GrantChange:
    change = changes_seen(user).filter(pk=change_id).first()
    if change is None:
        raise Http404
    return change


def _usual_end(first: date) -> date:
    """The last day that the form suggests: a year, or as long as is allowed."""
    return min(first + USUAL, latest_end(first)) - timedelta(days=1) if first < LAST_DAY - USUAL else LAST_DAY


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
