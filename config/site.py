"""The admin site in whose shell every page stands: who may enter, the menu, and the home page.

Django's permissions guard only the model forms (code lists, accounts), which administrators use. What a person may see or
do with people and units is a matter of grants (`orgtree.scope`), so every active user may enter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.sites import UnfoldAdminSite

from orgtree import scope
from orgtree.choices import Action


@dataclass(frozen=True)
class Entry:
    """One entry of the menu; `needs` is the right that somebody must hold somewhere to be shown it."""

    title: str | Promise
    icon: str
    view: str
    needs: Action | None = None
    agency: bool = False  # on an agency only, not on the hub
    own: bool = False  # for whoever may have a file of their own: accounts with a personal number
    also: str = ""  # a view elsewhere that belongs here, too


ENTRIES = (
    Entry(_("Home"), icon="home", view="admin:index"),
    Entry(_("Change requests"), icon="fact_check", view="workflows:request_list"),
    Entry(_("Upload a workbook"), icon="upload_file", view="registry:upload_new", needs=Action.EDIT),
    Entry(_("My file"), icon="badge", view="registry:mine", own=True),
    Entry(_("Staff profiles"), icon="groups", view="registry:staff_list"),
    Entry(_("To be cleaned"), icon="rule", view="registry:worklist", needs=Action.EDIT),
    Entry(_("Population matching"), icon="fingerprint", view="exchange:match_list", needs=Action.EDIT, agency=True),
    Entry(_("One decision, many people"), icon="group_add", view="registry:decision_new", needs=Action.EDIT),
    Entry(_("Organisation tree"), icon="account_tree", view="registry:unit_tree"),
    Entry(_("Code lists"), icon="list_alt", view="registry:code_list", also="exchange:catalogue_list"),
    Entry(_("Roles and grants"), icon="key", view="workflows:rights"),
    Entry(_("Transfers"), icon="move_item", view="exchange:transfer_list", needs=Action.EDIT),
    Entry(_("Deliveries"), icon="sync_alt", view="exchange:delivery_overview", needs=Action.OPERATE),
    Entry(_("Read log"), icon="visibility", view="registry:read_log", needs=Action.AUDIT),
    Entry(_("Audit trail"), icon="policy", view="registry:audit_trail", needs=Action.AUDIT),
)


# People and units have pages of their own; what else our apps register is for those who administer it.
ADMINISTERED = ("orgtree", "registry", "workflows", "planning", "exchange")
OWN_PAGES = ("StaffProfile", "OrgUnit")


class HoSoSite(UnfoldAdminSite):
    index_title = _("Home")

    def has_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        if self.has_permission(request):
            context["hoso_navigation"] = self.navigation(request)
            context["idle_minutes"] = settings.IDLE_MINUTES
        return context

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict[str, Any]]:
        """Models for those who administer any; for everybody else Django would ask for permissions on every page that nobody has."""
        administers = request.user.is_staff or bool(scope.intervals(request.user, Action.GRANT))
        return super().get_app_list(request, app_label) if administers else []

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one door (accounts/urls.py stands before the admin's addresses); whoever comes here is led to it."""
        return redirect_to_login(request.GET.get("next", ""), reverse("account_login"))

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        # Imported here: the admin site is made while the apps' models are still being loaded.
        from config.home import home

        with scope.remembered():
            return home(request)

    def navigation(self, request: HttpRequest) -> list[dict[str, Any]]:
        """Groups of the menu as the templates show them: {title, items: [{title, icon, address, current}]}."""
        user = request.user
        with scope.remembered():
            held = set(Action) if user.is_superuser else {action for action in Action if scope.intervals(user, action)}
        entries = [one for one in ENTRIES if (one.needs is None or one.needs in held) and (not one.own or user.personal_number)]
        entries = [one for one in entries if not one.agency or settings.ROLE == "agency"]
        items = [self._item(one.title, reverse(one.view), icon=one.icon, also=reverse(one.also) if one.also else "") for one in entries]
        groups = [{"title": "", "items": items}]
        if user.is_staff or Action.GRANT in held:
            own = [self._item(_("Superusers"), reverse("accounts:superusers"), icon="shield_person")] if user.is_superuser else []
            groups.append({"title": _("Administration"), "items": [*own, *self._administered(request)]})
        self._mark_current(request.path, [item for group in groups for item in group["items"]])
        return groups

    def _mark_current(self, path: str, items: Sequence[dict[str, Any]]) -> None:
        """The entry below which a page lies; of several the nearest, so that one is marked and not also what stands above it."""
        home = reverse("admin:index")
        found = [(len(one), item) for item in items for one in item.pop("within") if path == one or (one != home and path.startswith(one))]
        if found:
            max(found, key=lambda one: one[0])[1]["current"] = True

    def _administered(self, request: HttpRequest) -> list[dict[str, Any]]:
        models = [
            model
            for app in self.get_app_list(request)
            if app["app_label"] in ADMINISTERED
            for model in app["models"]
            if model["admin_url"] and model["object_name"] not in OWN_PAGES
        ]
        return [self._item(capfirst(model["name"]), model["admin_url"], icon="tune") for model in models]

    def _item(self, title: str | Promise, address: str, *, icon: str, also: str = "") -> dict[str, Any]:
        return {"title": title, "icon": icon, "address": address, "current": False, "within": [one for one in (address, also) if one]}
