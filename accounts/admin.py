"""Accounts in the admin, with what they need beyond a form: a fresh proof, and the audit trail.

What allauth registers in the admin is taken out again: there a second factor could be added to somebody else's account, or read from it.
Sessions and factors have pages of their own (views/people.py); the other tables stay empty here.
"""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress, EmailConfirmation
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db.models import Exists, Field, OuterRef, QuerySet
from django.forms import Field as FormField
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from accounts.models import InitialPassword
from accounts.selectors.factors import FACTORS
from orgtree.admin import UserAdmin
from orgtree.models import User
from orgtree.stepup import require_proof
from workflows.services.audit import audit

OURS = ("orgtree", "workflows", "registry", "planning", "exchange")

for model in (EmailAddress, EmailConfirmation, Authenticator, SocialAccount, SocialApp, SocialToken, UserSession, User):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


@admin.register(User)
class AccountAdmin(UserAdmin):
    """An account is made and changed with a fresh proof: privileges stand in this form, and whose signature counts."""

    list_display = (*UserAdmin.list_display, "has_second_factor")
    change_form_before_template = "accounts/of_user.html"  # the way to sessions and second factor

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        held = Authenticator.objects.filter(user=OuterRef("pk"), type__in=FACTORS)
        return super().get_queryset(request).annotate(held_factor=Exists(held))

    @admin.display(description=_("second factor"), boolean=True, ordering="held_factor")
    def has_second_factor(self, account: User) -> bool:
        return account.held_factor  # type: ignore[attr-defined]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method == "POST" or object_id is None:  # the form for a new account holds a password
            require_proof(request)
        return super().changeform_view(request, object_id, form_url, extra_context)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        require_proof(request)
        answer = super().user_change_password(request, id, form_url)
        if request.method == "POST" and answer.status_code == 302:  # a form with remarks is shown again instead
            _password_is_known(request.user, int(id))
            audit(actor=request.user, action="account.password_set", user=int(id))
        return answer

    def save_model(self, request: HttpRequest, obj: User, form: ModelForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change and obj.has_usable_password():
            _password_is_known(request.user, obj.pk)
        audit(actor=request.user, action="account.changed" if change else "account.made", user=obj.pk, fields=sorted(form.changed_data))

    def formfield_for_manytomany(self, db_field: Field, request: HttpRequest, **more: Any) -> FormField | None:
        """Only permissions that some page asks for; those of the libraries' tables would be chosen for nothing."""
        if db_field.name == "user_permissions":
            more["queryset"] = Permission.objects.filter(content_type__app_label__in=OURS).select_related("content_type")
        return super().formfield_for_manytomany(db_field, request, **more)


def _password_is_known(actor: User, user_id: int) -> None:
    """To whoever set it: the person changes it before anything else."""
    if actor.pk != user_id:
        InitialPassword.objects.update_or_create(user_id=user_id, defaults={"set_by": actor})
