"""The exchange in the admin's shell: channels on an agency, agencies on the hub, and what went through, to look at.

Nothing is written here but by the services: a channel is set, deliveries are sent again. Everything else is history.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin, TabularInline

from exchange.choices import ChannelKind
from exchange.models import Agency, Attempt, Batch, Channel, Delivery, InboundBatch, OutcomeCode
from exchange.selectors.sight import deliveries_seen, operates_line, operates_somewhere
from exchange.services.channels import channel_set
from exchange.services.intake import batch_resume
from exchange.services.matching import outcome_code_set
from exchange.services.retrying import deliveries_retry
from exchange.sharing_admin import SHARING
from orgtree import scope
from orgtree.choices import Action
from workflows.errors import GateError


def _asked_once(request: HttpRequest, question: Callable[[Any], bool]) -> bool:
    """The menu asks the same of every model: one answer a request."""
    answers: dict[Callable[[Any], bool], bool] = request.__dict__.setdefault("exchange_rights", {})
    if question not in answers:
        answers[question] = question(request.user)
    return answers[question]


class ForOperators:
    """Seen by whoever operates the line, changed by nobody."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return _asked_once(request, operates_line)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ChannelAdmin(ForOperators, ModelAdmin):
    """Set by superusers. The client secret is not entered here: it comes from the server's environment."""

    list_display = ("name", "code", "base_url", "transport", "active", "last_contact", "paused_until")
    fields = ("code", "name", "base_url", "client_id", "transport", "transport_options", "timeout_seconds", "batch_size", "active")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.is_superuser

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Without the registers, which `register_set` connects."""
        return super().get_queryset(request).filter(kind=ChannelKind.NATIONAL_HUB)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return ("code",) if obj else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A new line does not send before it was tried."""
        return {"code": "national-hub", "name": _("National platform"), "active": False}

    def response_post_save_add(self, request: HttpRequest, obj: Channel) -> HttpResponse:
        return redirect("exchange:joining")

    response_post_save_change = response_post_save_add

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
    """An operator of some units sees the deliveries of their people and units."""

    list_display = ("record", "version", "channel", "state", "error_code", "error_text", "changed_at")
    list_filter = ("channel", "state", "error_code")
    list_select_related = ("channel", "message")
    ordering = ("-pk",)
    show_full_result_count = False
    actions = ("send_again",)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return _asked_once(request, operates_somewhere) and (obj is None or deliveries_seen(request.user).filter(pk=obj.pk).exists())

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return deliveries_seen(request.user).select_related("channel", "message")

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


class OutcomeCodeAdmin(ModelAdmin):
    """What the codes of the population database mean: entered by superusers when they are published, each change in the audit trail."""

    list_display = ("code", "outcome")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.is_superuser

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # answers of yesterday were judged by it

    def save_model(self, request: HttpRequest, obj: OutcomeCode, form: ModelForm, change: bool) -> None:
        outcome_code_set(actor=request.user, code=obj)


class AgencyAdmin(ForOperators, ModelAdmin):
    """Agencies are admitted by `manage.py hub_agency`, which takes the secret from standard input."""

    def has_view_permission(self, request: HttpRequest, obj: Agency | None = None) -> bool:
        return _asked_once(request, operates_somewhere) and (obj is None or self.get_queryset(request).filter(pk=obj.pk).exists())

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return _agencies_seen(super().get_queryset(request), request, "root")

    list_display = ("code", "name", "root", "active", "seal_from", "issued")
    list_select_related = ("root",)
    exclude = ("application",)
    ordering = ("code",)


class InboundBatchAdmin(ForOperators, ModelAdmin):
    """On the hub, what came in from the agencies whose tree the reader operates."""

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
        return _agencies_seen(super().get_queryset(request), request, "agency__root").defer("body")

    def has_view_permission(self, request: HttpRequest, obj: InboundBatch | None = None) -> bool:
        return _asked_once(request, operates_somewhere) and (obj is None or self.get_queryset(request).filter(pk=obj.pk).exists())


def _agencies_seen(rows: QuerySet[Any], request: HttpRequest, root: str) -> QuerySet[Any]:
    """Rows of the agencies whose top unit the reader operates; superusers see all, those without a tree as well."""
    return rows if _asked_once(request, operates_line) else scope.scoped(rows, request.user, Action.OPERATE, root)


HUB = {Agency: AgencyAdmin, InboundBatch: InboundBatchAdmin}
AGENCY = {Channel: ChannelAdmin, Batch: BatchAdmin, Delivery: DeliveryAdmin, OutcomeCode: OutcomeCodeAdmin}
for model, page in ((HUB if settings.ROLE == "hub" else AGENCY) | SHARING).items():
    admin.site.register(model, page)
