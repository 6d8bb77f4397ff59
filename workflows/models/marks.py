import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from workflows.choices import MARKS_HOLD, MarkState


class Mark(models.Model):
    """ "Does not leave": a record, or one field of it (`field`), that is a state secret and is neither delivered nor exported.

    Two people make a mark and two lift it (constraints). From the proposal on it holds, until it is refused or lifted: in doubt
    nothing leaves. One mark at a time holds for one record and field.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=30)
    key = models.UUIDField()
    unit = models.ForeignKey("orgtree.OrgUnit", models.PROTECT, related_name="+")
    field = models.CharField(max_length=60, blank=True, default="")
    reason = models.CharField(_("reason"), max_length=300)
    decision_number = models.CharField(_("decision number"), max_length=50, blank=True, default="")
    state = models.CharField(_("state"), max_length=8, choices=MarkState, default=MarkState.PROPOSED)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(db_default=Now())
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    lift_reason = models.CharField(max_length=300, blank=True, default="")
    lift_proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    lifted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("mark “does not leave”")
        constraints = [
            models.UniqueConstraint(fields=["kind", "key", "field"], condition=Q(state__in=[one.value for one in MARKS_HOLD]), name="mark_once"),
            models.CheckConstraint(condition=Q(decided_by=None) | ~Q(decided_by=F("proposed_by")), name="mark_by_two"),
            models.CheckConstraint(condition=Q(lifted_by=None) | ~Q(lifted_by=F("lift_proposed_by")), name="mark_lifted_by_two"),
            models.CheckConstraint(
                condition=Q(state="proposed", decided_by=None) | Q(decided_by__isnull=False) & ~Q(state="proposed"), name="mark_decided_or_proposed"
            ),
            models.CheckConstraint(
                condition=Q(state="lifted", lifted_by__isnull=False, lift_proposed_by__isnull=False) | Q(lifted_by=None) & ~Q(state="lifted"),
                name="mark_lifted_or_not",
            ),
        ]
