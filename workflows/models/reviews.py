from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from workflows.choices import ReturnReason


class RowReturn(models.Model):
    """A record that somebody means to leave out of their approval, and why. Working notes: what counts is the signed manifest."""

    stage = models.ForeignKey("workflows.Stage", models.PROTECT, related_name="row_returns")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    leaf_index = models.PositiveIntegerField()
    reason = models.CharField(max_length=12, choices=ReturnReason)
    text = models.CharField(max_length=240, blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stage", "user", "leaf_index"], name="row_return_once")]


class SampleView(models.Model):
    """That somebody opened a record of the sample they must look at before they approve."""

    stage = models.ForeignKey("workflows.Stage", models.PROTECT, related_name="sample_views")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    leaf_index = models.PositiveIntegerField()
    seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stage", "user", "leaf_index"], name="sample_view_once")]
