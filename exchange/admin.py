"""The exchange in the admin's shell: channels on an agency, agencies on the hub, and what went through, to look at.

Nothing is written here but by the services: a channel is set, deliveries are sent again. Everything else is history.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin, TabularInline

from exchange.models import Agency, Attempt, Batch, Channel, Delivery, InboundBatch
from exchange.services.channels import channel_set
from exchange.services.intake import batch_resume
from exchange.services.retrying import deliveries_retry
from orgtree import scope
from orgtree.choices import Action
from workflows.errors import GateError


class ForOperators:
    """Seen by whoever operates some unit, changed by nobody."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.is_active and (request.user.is_superuser or bool(scope.intervals(request.user, Action.OPERATE)))

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ChannelAdmin(ForOperators, ModelAdmin):
    """Set by superusers. The client secret is not entered here: it comes from the server's environment."""

    list_display = ("name", "code", "base_url", "active", "last_contact", "paused_until")
    fields = ("code", "name", "base_url", "client_id", "timeout_seconds", "batch_size", "active")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.is_superuser

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return ("code",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Channel, form: ModelForm, change: bool) -> None:
        wanted = {name: getattr(obj, name) for name in self.fields}
        obj.pk = channel_set(actor=request.user, **wanted).pk


class AttemptInline(ForOperators, TabularInline):
    model = Attempt
    fields = ("started_at", "call", "outcome", "http_status", "detail", "ended_at")
    readonly_fields = fields
    extra = 0


class BatchAdmin(ForOperators, ModelAdmin):
    list_display = ("created_at", "channel", "kind", "size", "state", "ended_at")
    list_filter = ("channel", "state", "kind")
    list_select_related = ("channel",)
    ordering = ("-created_at",)
    show_full_result_count = False
    inlines = (AttemptInline,)


class DeliveryAdmin(ForOperators, ModelAdmin):
    list_display = ("record", "version", "channel", "state", "error_code", "error_text", "changed_at")
    list_filter = ("channel", "state", "error_code")
    list_select_related = ("channel", "message")
    ordering = ("-pk",)
    show_full_result_count = False
    actions = ("send_again",)

    @admin.display(description=_("record"))
    def record(self, delivery: Delivery) -> str:
        return f"{delivery.message.kind} {delivery.message.key}"

    @admin.display(description=_("version"))
    def version(self, delivery: Delivery) -> int:
        return delivery.message.version

    @admin.action(description=_("Send again"))
    def send_again(self, request: HttpRequest, chosen: QuerySet[Delivery]) -> None:
        ids: dict[Channel, list[int]] = {}
        for delivery in chosen.select_related("channel"):
            ids.setdefault(delivery.channel, []).append(delivery.pk)
        try:
            sent = sum(deliveries_retry(actor=request.user, channel=channel, delivery_ids=members) for channel, members in ids.items())
        except GateError as refused:
            self.message_user(request, str(refused), messages.ERROR)
            return
        text = ngettext("%(count)d delivery is back in line.", "%(count)d deliveries are back in line.", sent) % {"count": sent}
        self.message_user(request, text, messages.SUCCESS)


class AgencyAdmin(ForOperators, ModelAdmin):
    """Agencies are admitted by `manage.py hub_agency`, which takes the secret from standard input."""

    list_display = ("code", "name", "root", "active", "issued")
    list_select_related = ("root",)
    exclude = ("application",)
    ordering = ("code",)


class InboundBatchAdmin(ForOperators, ModelAdmin):
    list_display = ("received_at", "agency", "kind", "size", "state", "accepted", "rejected", "error")
    list_filter = ("state", "kind", "agency")
    list_select_related = ("agency",)
    ordering = ("-received_at",)
    exclude = ("body", "body_digest")
    show_full_result_count = False
    actions = ("process_again",)

    @admin.action(description=_("Process again"))
    def process_again(self, request: HttpRequest, chosen: QuerySet[InboundBatch]) -> None:
        try:
            for batch in chosen.select_related("agency"):
                batch_resume(actor=request.user, batch=batch)
        except GateError as refused:
            self.message_user(request, str(refused), messages.ERROR)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("body")


HUB = {Agency: AgencyAdmin, InboundBatch: InboundBatchAdmin}
AGENCY = {Channel: ChannelAdmin, Batch: BatchAdmin, Delivery: DeliveryAdmin}
for model, page in (HUB if settings.ROLE == "hub" else AGENCY).items():
    admin.site.register(model, page)
