"""Accounts, units and areas in the admin's shell.

Units change through the gate alone and areas come from the data files: both are read-only here. Grants are proposed and
confirmed on pages of their own (workflows.views.rights). An account is never deleted, since history names it; it is made inactive.
"""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from orgtree import scope
from orgtree.choices import Action
from orgtree.models import Area, OrgUnit, User
from orgtree.text import plain

admin.site.unregister(Group)  # what somebody may do is a matter of grants


class NeverDeleted:
    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnly(NeverDeleted):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class AskedByFilters:
    """A list that an address may ask only by the filters it offers.

    Django answers every lookup on a column of the model itself (`?citizen_id__startswith=066`), and so would tell, digit by digit, what
    the list masks or leaves out.
    """

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup.partition("__")[0] in self.list_filter  # type: ignore[attr-defined]


def _gives_grants(request: HttpRequest) -> bool:
    return request.user.is_superuser or bool(scope.intervals(request.user, Action.GRANT))


@admin.register(User)
class UserAdmin(AskedByFilters, NeverDeleted, DjangoUserAdmin, ModelAdmin):
    """Only a superuser touches what would let one person act as another, and nobody alone what binds a signature to a person."""

    form, add_form, change_password_form = UserChangeForm, UserCreationForm, AdminPasswordChangeForm
    list_display = ("username", "display_name", "email", "is_active")
    list_filter = ("is_active", "is_superuser")
    search_fields = ("username", "last_name", "first_name")
    # Two people make a superuser, and say whose account it is (accounts.services.superusers, numbers).
    readonly_fields = ("last_login", "date_joined", "is_superuser", "personal_number")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": ("last_name", "first_name", "email", "personal_number")}),
        (_("Access"), {"fields": ("is_active", "is_staff", "is_superuser", "user_permissions", "last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("username", "last_name", "first_name", "usable_password", "password1", "password2")}),)
    superuser_fields = ("is_staff", "user_permissions")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        return self.readonly_fields if request.user.is_superuser else (*self.readonly_fields, *self.superuser_fields)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        above = obj is not None and obj.is_superuser and not request.user.is_superuser
        return super().has_change_permission(request, obj) and not above

    def has_view_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Who gives grants must find the people to give them to, by the list; the account itself takes Django's permission."""
        return super().has_view_permission(request, obj) or (obj is None and _gives_grants(request))


@admin.register(OrgUnit)
class OrgUnitAdmin(ReadOnly, ModelAdmin):
    """The units that the reader may see; they are changed by a change request."""

    list_display = ("code", "name", "kind", "parent", "valid_from", "valid_to")
    list_filter = ("kind",)
    list_select_related = ("parent",)
    search_fields = ("name_search",)
    ordering = ("tree_id", "lft")
    show_full_result_count = False
    fields = ("code", "name", "short_name", "kind", "area", "parent", "order_no", "valid_from", "valid_to", "version")

    def has_view_permission(self, request: HttpRequest, obj: OrgUnit | None = None) -> bool:
        return request.user.is_active and (obj is None or scope.can(request.user, Action.VIEW, obj))

    def get_queryset(self, request: HttpRequest) -> QuerySet[OrgUnit]:
        return scope.units(request.user, Action.VIEW)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[OrgUnit], search_term: str) -> tuple[QuerySet[OrgUnit], bool]:
        return queryset.filter(Q(name_search__contains=plain(search_term)) | Q(code__startswith=search_term.strip().upper())), False


@admin.register(Area)
class AreaAdmin(ReadOnly, ModelAdmin):
    list_display = ("code", "full_name", "level", "parent", "valid_from", "valid_to")
    list_filter = ("level", "kind", "valid_from")
    list_select_related = ("parent",)
    search_fields = ("name_search",)
    ordering = ("-valid_from", "code")
    fields = ("key", "code", "level", "full_name", "kind", "parent", "valid_from", "valid_to")

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Area], search_term: str) -> tuple[QuerySet[Area], bool]:
        return queryset.filter(Q(name_search__contains=plain(search_term)) | Q(code=search_term.strip())), False
