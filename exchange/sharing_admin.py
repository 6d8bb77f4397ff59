"""Sharing in the admin's shell: programs, agreements and webhooks, set by superusers through the services; messages to look at and send again.

A secret is shown once, when it is made. Consents belong to the person's page and are only looked at here.
"""

from __future__ import annotations

import secrets
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminURLInputWidget

from exchange.hook_line import AddressRefused, address_checked
from exchange.models import HookMessage, SharingAgreement, SharingClient, Webhook
from exchange.selectors.sight import operates_line
from exchange.services.sharing import SHAREABLE, agreement_set, client_set
from exchange.services.webhooks import message_retry, webhook_rotate, webhook_set
from workflows.errors import GateError


def _operates(request: HttpRequest) -> bool:
    """The menu asks the same of every model: one answer a request, shared with the rest of the exchange's admin."""
    answers: dict[Any, bool] = request.__dict__.setdefault("exchange_rights", {})
    if operates_line not in answers:
        answers[operates_line] = operates_line(request.user)
    return answers[operates_line]


class SetByAdministrators:
    """Seen by whoever operates the line, set by superusers, never deleted: what was agreed stays written down."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return _operates(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return _operates(request)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def tell_secret(request: HttpRequest, name: str, secret: str) -> None:
    """The one time at which a secret is shown."""
    text = _("Secret of {name}, shown this once: {secret}. Hand it over by a safe way.")
    messages.warning(request, str(text).format(name=name, secret=secret))


class SharingClientAdmin(SetByAdministrators, ModelAdmin):
    list_display = ("name", "code", "active", "calls_a_minute", "records_a_day", "last_call")
    fields = ("code", "name", "active", "calls_a_minute", "records_a_day")
    actions = ("new_secret",)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return ("code",) if obj else ()

    def save_model(self, request: HttpRequest, obj: SharingClient, form: ModelForm, change: bool) -> None:
        secret = "" if change else secrets.token_urlsafe(32)
        obj.pk = client_set(actor=request.user, secret=secret, **{name: getattr(obj, name) for name in self.fields}).pk
        if secret:
            tell_secret(request, f"shared-{obj.code}", secret)

    def new_secret(self, request: HttpRequest, queryset: QuerySet[SharingClient]) -> None:
        """New credentials for the ticked programs; what they have now ends at once."""
        if not request.user.is_superuser:
            return
        for one in queryset:
            secret = secrets.token_urlsafe(32)
            client_set(actor=request.user, secret=secret, **{name: getattr(one, name) for name in self.fields})
            tell_secret(request, f"shared-{one.code}", secret)

    new_secret.short_description = _("New secret; the old one ends at once")  # type: ignore[attr-defined]


class AgreementForm(ModelForm):
    """Fields are named as in staff_profile/1; one that does not exist is an error at its place."""

    class Meta:
        model = SharingAgreement
        fields = ("client", "purpose", "title", "basis", "unit", "fields", "needs_consent", "valid_from", "valid_to")

    def clean_fields_named(self) -> None:
        unknown = sorted(set(self.cleaned_data.get("fields") or ()) - SHAREABLE)
        if unknown:
            self.add_error("fields", _("staff_profile/1 has no field called %s.") % ", ".join(unknown))

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        self.clean_fields_named()
        return cleaned


class SharingAgreementAdmin(SetByAdministrators, ModelAdmin):
    form = AgreementForm
    list_display = ("title", "client", "unit", "needs_consent", "valid_from", "valid_to")
    list_filter = ("client", "needs_consent")
    list_select_related = ("client", "unit")
    raw_id_fields = ("unit",)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return ("client", "purpose") if obj else ()

    def save_model(self, request: HttpRequest, obj: SharingAgreement, form: ModelForm, change: bool) -> None:
        names = ("client", "purpose", "title", "basis", "unit", "fields", "needs_consent", "valid_from", "valid_to")
        obj.pk = agreement_set(actor=request.user, **{name: getattr(obj, name) for name in names}).pk


class WebhookForm(ModelForm):
    url = forms.URLField(label=_("address"), max_length=500, assume_scheme="https", widget=UnfoldAdminURLInputWidget)

    class Meta:
        model = Webhook
        fields = ("agreement", "url", "active")

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        try:
            address_checked(url)
        except AddressRefused as refused:
            raise forms.ValidationError(_("This address is not called: %s.") % refused) from refused
        return url


class WebhookAdmin(SetByAdministrators, ModelAdmin):
    form = WebhookForm
    list_display = ("agreement", "url", "active", "failures", "last_success", "last_error")
    list_select_related = ("agreement__client",)
    actions = ("rotate",)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return ("agreement",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Webhook, form: ModelForm, change: bool) -> None:
        try:
            hook, secret = webhook_set(actor=request.user, agreement=obj.agreement, url=obj.url, active=obj.active)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return
        obj.pk = hook.pk
        if secret:
            tell_secret(request, str(obj.agreement), secret)

    def rotate(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        """A new secret for the ticked webhooks; the former one signs along for a week."""
        if not request.user.is_superuser:
            return
        for hook in queryset.select_related("agreement__client"):
            tell_secret(request, str(hook.agreement), webhook_rotate(actor=request.user, hook=hook))

    rotate.short_description = _("New secret; the former one signs along for a week")  # type: ignore[attr-defined]


class HookMessageAdmin(SetByAdministrators, ModelAdmin):
    list_display = ("made_at", "webhook", "state", "tries", "error", "ended_at")
    list_filter = ("state", "webhook")
    list_select_related = ("webhook__agreement__client",)
    ordering = ("-made_at",)
    show_full_result_count = False
    actions = ("send_again",)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def send_again(self, request: HttpRequest, queryset: QuerySet[HookMessage]) -> None:
        sent = 0
        for message in queryset:
            try:
                message_retry(actor=request.user, message=message)
                sent += 1
            except GateError as error:
                messages.error(request, str(error))
        messages.success(request, ngettext("%(count)d message is back in line.", "%(count)d messages are back in line.", sent) % {"count": sent})

    send_again.short_description = _("Send again")  # type: ignore[attr-defined]


SHARING: dict[type[Model], type[ModelAdmin]] = {
    SharingClient: SharingClientAdmin,
    SharingAgreement: SharingAgreementAdmin,
    Webhook: WebhookAdmin,
    HookMessage: HookMessageAdmin,
}
