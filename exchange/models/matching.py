"""How each person's file stands beside the population database, and disputes with the police about what that holds."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from exchange.choices import DisputeState, MatchOutcome, MatchOwner
from exchange.models.registers import RegisterEntry
from registry.models import StaffProfile
from workflows.choices import AttachmentKind
from workflows.models import ChangeRequest


class OutcomeCode(models.Model):
    """What a result code of the population database means. The official codes are not published: they are entered here when they are."""

    code = models.CharField(_("code"), max_length=60, unique=True)
    outcome = models.CharField(_("meaning"), max_length=12, choices=[one for one in MatchOutcome.choices if one[0] != MatchOutcome.NOT_CHECKED])

    class Meta:
        verbose_name = _("code of the population database")
        verbose_name_plural = _("codes of the population database")
        ordering = ("code",)

    def __str__(self) -> str:
        return self.code


class PopulationMatch(models.Model):
    """One row a person: the last answer, whose turn it is, and the correction on its way. What was asked and answered stands in `entry`."""

    staff = models.OneToOneField(StaffProfile, models.PROTECT, primary_key=True, related_name="population_match")
    outcome = models.CharField(
        _("outcome"), max_length=12, choices=MatchOutcome, default=MatchOutcome.NOT_CHECKED, db_default=MatchOutcome.NOT_CHECKED.value
    )
    owner = models.CharField(_("whose turn"), max_length=6, choices=MatchOwner, blank=True, default="", db_default="")
    differs = ArrayField(models.CharField(max_length=20), default=list)
    code = models.CharField(_("code"), max_length=60, blank=True, default="", db_default="")
    entry = models.ForeignKey(RegisterEntry, models.PROTECT, null=True, db_default=None, related_name="+")
    checked_at = models.DateTimeField(_("compared"), null=True, db_default=None)
    since = models.DateTimeField(_("since"), db_default=Now())
    correction = models.ForeignKey(ChangeRequest, models.PROTECT, null=True, db_default=None, related_name="+")

    class Meta:
        verbose_name = _("population match")
        verbose_name_plural = _("population matches")
        default_permissions = ()
        indexes = [models.Index(fields=["outcome", "since"], condition=~models.Q(outcome="matched"), name="population_match_queue")]


class MatchDispute(models.Model):
    """The agency holds that its file is right: what it told the police, with which paper, and by when it should be settled."""

    match = models.ForeignKey(PopulationMatch, models.PROTECT, related_name="disputes")
    state = models.CharField(_("state"), max_length=7, choices=DisputeState, default=DisputeState.OPEN)
    reason = models.CharField(_("reason"), max_length=500)
    raised_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    raised_at = models.DateTimeField(_("raised"), db_default=Now())
    due_on = models.DateField(_("to be settled by"))
    closed_at = models.DateTimeField(_("closed"), null=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    sha256 = models.CharField(max_length=64, blank=True, default="")
    file_name = models.CharField(max_length=200, blank=True, default="")
    file_kind = models.CharField(max_length=4, choices=AttachmentKind, blank=True, default="")

    class Meta:
        verbose_name = _("dispute about a match")
        verbose_name_plural = _("disputes about matches")
        ordering = ("-raised_at",)
        constraints = [models.UniqueConstraint(fields=["match"], condition=models.Q(state="open"), name="match_dispute_one_open")]
