"""The gate's policy in the admin's shell: routes, and the days that differ from the week. For those who administer the installation."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from orgtree.admin import NeverDeleted
from workflows.errors import RouteInvalid
from workflows.models import CalendarDay, Route
from workflows.services.audit import audit
from workflows.services.routing import route_put_in_force, steps_read


class RouteForm(ModelForm):
    class Meta:
        model = Route
        fields = ("name", "kind", "unit", "risk", "act", "lasts", "steps")

    def clean_steps(self) -> Any:
        try:
            steps_read(self.cleaned_data["steps"], act=self.cleaned_data["act"])
        except RouteInvalid as error:
            raise ValidationError(str(error)) from error
        return self.cleaned_data["steps"]


@admin.register(Route)
class RouteAdmin(NeverDeleted, ModelAdmin):
    """A new route is a draft until it is put in force, which ends the one before it. Open requests keep their stages."""

    form = RouteForm
    list_display = ("name", "kind", "unit", "risk", "act", "active")
    list_filter = ("active",)
    list_select_related = ("unit",)
    autocomplete_fields = ("unit",)
    actions = ("put_in_force",)

    def save_model(self, request: HttpRequest, obj: Route, form: ModelForm, change: bool) -> None:
        if not change:
            obj.active = False
        super().save_model(request, obj, form, change)
        audit(actor=request.user, action="route.changed" if change else "route.drafted", unit=obj.unit, route=obj.pk, name=obj.name, steps=obj.steps)

    @admin.action(description=_("Put in force"))
    def put_in_force(self, request: HttpRequest, queryset: QuerySet[Route]) -> None:
        if not self.has_change_permission(request):
            return
        for route in queryset:
            try:
                route_put_in_force(actor=request.user, route=route)
            except RouteInvalid as error:
                messages.error(request, str(error))
            else:
                messages.success(request, _("In force now: %(name)s.") % {"name": route.name})


@admin.register(CalendarDay)
class CalendarDayAdmin(ModelAdmin):
    list_display = ("day", "name", "works")
    list_filter = ("works",)
