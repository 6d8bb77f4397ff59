"""People and code lists in the admin's shell.

People are read-only here: one proposes a change on the person's page. The import button leads to the upload of a workbook, which
goes through the gate; the export button leads to the page that exports lists.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from import_export.admin import ImportExportModelAdmin
from import_export.formats import base_formats
from unfold.admin import ModelAdmin
from unfold.contrib.import_export.forms import ExportForm, ImportForm

from orgtree import scope
from orgtree.admin import AskedByFilters, ReadOnly
from orgtree.caller import ip_of
from orgtree.choices import Action
from orgtree.models import OrgUnit
from registry.masking import masked
from registry.models import CodeItem, RankCode, SalaryStep, StaffProfile
from registry.resources import StaffProfileResource
from registry.selectors.staff import StaffFilter, staff_list
from registry.template import template_workbook
from workflows.errors import NotAllowed

WORKBOOK_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class CappedPaginator(Paginator):
    """Counts no further than 10,000 rows: on a nation's files a full count costs more than the page. Who wants more, searches."""

    limit = 10_000

    @cached_property
    def count(self) -> int:
        return self.object_list.order_by().values("pk")[: self.limit].count()


@admin.register(StaffProfile)
class StaffProfileAdmin(AskedByFilters, ReadOnly, ModelAdmin, ImportExportModelAdmin):
    """The files that the reader may see."""

    list_display = ("birth_name", "birth_date", "number", "using_unit", "personnel_type", "rank_code")
    list_filter = ("personnel_type",)
    list_select_related = ("using_unit",)
    list_per_page = 100
    search_fields = ("name_search",)
    ordering = ("name_sort", "id")
    show_full_result_count = False
    paginator = CappedPaginator
    resource_classes = (StaffProfileResource,)
    formats = import_formats = export_formats = (base_formats.XLSX, base_formats.CSV)
    import_form_class, export_form_class = ImportForm, ExportForm

    @admin.display(description=_("Personal identification number"))
    def number(self, profile: StaffProfile) -> str:
        return masked(profile.citizen_id)

    def has_view_permission(self, request: HttpRequest, obj: StaffProfile | None = None) -> bool:
        return request.user.is_active and (obj is None or scope.can(request.user, Action.VIEW, obj.using_unit_id))

    def has_export_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_import_permission(self, request: HttpRequest) -> bool:
        return scope.units(request.user, Action.EDIT).exists()

    def get_queryset(self, request: HttpRequest) -> QuerySet[StaffProfile]:
        return staff_list(user=request.user, wanted=StaffFilter())

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[StaffProfile], search_term: str) -> tuple[QuerySet[StaffProfile], bool]:
        if not search_term:
            return queryset, False
        return queryset.filter(pk__in=staff_list(user=request.user, wanted=StaffFilter(text=search_term)).values("pk")), False

    def get_urls(self) -> list[URLPattern]:
        template = path("template.xlsx", self.admin_site.admin_view(self.template_download), name="registry_staffprofile_template")
        return [template, *super().get_urls()]

    def template_download(self, request: HttpRequest) -> HttpResponse:
        """The workbook to fill in: with `unit` the people of that unit stand in it."""
        key = request.GET.get("unit")
        try:
            unit = OrgUnit.objects.get(pk=UUID(key)) if key else None
            body = template_workbook(unit=unit, actor=request.user, address=ip_of(request))
        except (ValueError, OrgUnit.DoesNotExist, NotAllowed):
            raise Http404 from None
        name = f"mau-{unit.code}.xlsx" if unit else "mau-ho-so.xlsx"
        return HttpResponse(body, content_type=WORKBOOK_TYPE, headers={"Content-Disposition": f'attachment; filename="{name}"'})

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponseRedirect:
        """A person has one page, with the button that proposes a change."""
        return redirect("registry:staff_detail", object_id)

    def import_action(self, request: HttpRequest, **kwargs: Any) -> HttpResponseRedirect:
        """Import is an upload: it goes through the gate."""
        return redirect("registry:upload_new")

    process_import = import_action

    def export_action(self, request: HttpRequest, **kwargs: Any) -> HttpResponseRedirect:
        """Export has a page of its own: columns, reason, read log, and lists of any length."""
        if not self.has_export_permission(request):
            raise PermissionDenied
        return redirect("registry:staff_export")


class Lists(ModelAdmin):
    """A list with Django's own permissions. Nothing is deleted, since old files keep old codes."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(CodeItem)
class CodeItemAdmin(ReadOnly, Lists):
    """Looked at here; a change of a code takes the gate (the page of code lists)."""

    list_display = ("list", "code", "name_vi", "name_en", "valid_from", "valid_to")
    list_filter = ("list",)
    search_fields = ("code", "name_vi", "name_en")


@admin.register(RankCode)
class RankCodeAdmin(ReadOnly, Lists):
    """Looked at here; a change takes the gate, as of a code."""

    list_display = ("code", "title", "group", "grade", "salary_class")
    list_filter = ("group", "salary_class")
    search_fields = ("code", "title")


@admin.register(SalaryStep)
class SalaryStepAdmin(ReadOnly, Lists):
    """Looked at here; a change takes the gate, as of a code."""

    list_display = ("salary_class", "step", "coefficient", "months", "max_step")
    list_filter = ("salary_class",)
