"""The hub's progress board: who is expected to send, and what each day brought of each agency."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from exchange.choices import BodyKind, Standing
from exchange.models.inbound import Agency


class ExpectedBody(models.Model):
    """A province or central body that has to send, as it stands on the list now; how it stood on a day says its newest `BodyStanding` until then.

    `code` is its agency identifier, as far as it is known; it leads to the Agency. Written by `services.bodies` alone.
    """

    code = models.CharField(_("agency identifier"), max_length=35, unique=True, null=True, blank=True)
    name = models.CharField(_("name"), max_length=250, unique=True)
    kind = models.CharField(_("kind"), max_length=8, choices=BodyKind)
    position = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("expected body")
        verbose_name_plural = _("expected bodies")
        ordering = ("-kind", "position", "name")

    def __str__(self) -> str:
        return self.name


class BodyStanding(models.Model):
    """How a body stands on the list from a day on, all of it: so the board of any earlier day stays as it was. Append-only.

    On a day holds what was written last of those that had begun by then. `undoes` is what this one takes back; each is taken back once at most.
    """

    body = models.ForeignKey(ExpectedBody, models.PROTECT, related_name="standings")
    day = models.DateField(_("since"))
    name = models.CharField(_("name"), max_length=250)
    code = models.CharField(_("agency identifier"), max_length=35, blank=True)
    position = models.PositiveSmallIntegerField(_("order"))
    standing = models.CharField(_("standing"), max_length=12, choices=Standing)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    source = models.CharField(_("source"), max_length=200, blank=True)
    undoes = models.OneToOneField("self", models.PROTECT, null=True, related_name="undone_by")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("standing of a body")
        verbose_name_plural = _("standings of bodies")
        ordering = ("-pk",)
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(standing=Standing.NOT_COUNTED) | (~models.Q(reason="") & ~models.Q(source="")), name="body_not_counted_why"
            )
        ]


class Expectation(models.Model):
    """How many files a body reported to have, from that day on. Append-only: a correction is a later report."""

    body = models.ForeignKey(ExpectedBody, models.PROTECT, related_name="expectations")
    day = models.DateField(_("day"))
    files = models.PositiveIntegerField(_("files"))
    source = models.CharField(_("source"), max_length=200, help_text=_("For example the number of the report."))
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("reported number of files")
        verbose_name_plural = _("reported numbers of files")
        ordering = ("-day", "-pk")


class AgencyDay(models.Model):
    """What one day brought of one agency, counted in the transactions that brought it; `services.tally` can count it again from the results.

    `files` and `units` are records that the hub holds since that day; `accepted` and `refused` are answers; `late` are accepted ones that
    came after their term; `matched` is how many files the day's last statement of equality covers.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="days")
    day = models.DateField()
    batches = models.PositiveIntegerField(default=0, db_default=0)
    files = models.PositiveIntegerField(default=0, db_default=0)
    units = models.PositiveIntegerField(default=0, db_default=0)
    accepted = models.PositiveIntegerField(default=0, db_default=0)
    refused = models.PositiveIntegerField(default=0, db_default=0)
    late = models.PositiveIntegerField(default=0, db_default=0)
    trials = models.PositiveIntegerField(default=0, db_default=0)
    trials_passed = models.PositiveIntegerField(default=0, db_default=0)
    matched = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["agency", "day"], name="agency_day_once")]
        indexes = [models.Index(fields=["day"], name="agency_day_day")]
