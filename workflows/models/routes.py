from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from workflows.choices import Verdict


class Route(models.Model):
    """The policy: which stages a kind of change passes. The most specific active route wins: kind first, then any kind.

    `steps` is a list of {name, action, signature}. It is frozen into the request's stages at submit; changing a route never
    touches open requests (promise 3).
    """

    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=30, blank=True, default="")
    steps = models.JSONField()
    active = models.BooleanField(default=True)

    class Meta:
        verbose_name = _("route")
        verbose_name_plural = _("routes")
        constraints = [models.UniqueConstraint(fields=["kind"], condition=models.Q(active=True), name="route_one_active_a_kind")]

    def __str__(self) -> str:
        return self.name


class Stage(models.Model):
    """One step of a route as frozen into a request. A `system` stage is decided by a named check of the program."""

    request = models.ForeignKey("workflows.ChangeRequest", models.PROTECT, related_name="stages")
    number = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=100)
    action = models.CharField(max_length=20)
    needs_signature = models.BooleanField(default=True)
    system = models.CharField(max_length=60, blank=True, default="")

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["request", "number"], name="stage_number_once")]


class Decision(models.Model):
    """One verdict on one stage, bound by the manifest to the digests of the items it covered (promise 2). Append-only."""

    stage = models.ForeignKey(Stage, models.PROTECT, related_name="decisions")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    verdict = models.CharField(max_length=8, choices=Verdict)
    manifest = models.ForeignKey("workflows.Manifest", models.PROTECT, null=True, related_name="decisions")
    signature = models.ForeignKey("workflows.Signature", models.PROTECT, null=True, related_name="decisions")
    reason = models.CharField(max_length=1000, blank=True, default="")
    decided_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["stage", "user"], name="decision_once_a_person"),
            models.UniqueConstraint(fields=["stage"], condition=models.Q(user__isnull=True), name="decision_once_a_system"),
            models.CheckConstraint(condition=~models.Q(verdict="approve") | models.Q(manifest__isnull=False), name="approval_names_its_manifest"),
            models.CheckConstraint(condition=~models.Q(verdict="return") | ~models.Q(reason=""), name="return_says_why"),
        ]
