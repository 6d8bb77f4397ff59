"""When a line is given large deliveries."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from exchange.models.channels import Channel


class BulkHours(models.Model):
    """Outside these hours of a working day a line carries no bulk: requests of more than `above` records, and what has waited since an earlier day.

    A line without a row carries everything at any hour. Hours may pass midnight; a day that is not worked is open from beginning to end.
    """

    channel = models.OneToOneField(Channel, models.CASCADE, primary_key=True, related_name="bulk_hours")
    above = models.PositiveIntegerField(_("records"), default=500, db_default=500, validators=[MinValueValidator(1)])
    opens = models.TimeField(_("from"))
    closes = models.TimeField(_("until"))

    class Meta:
        verbose_name = _("hours of large deliveries")
        verbose_name_plural = _("hours of large deliveries")
        constraints = [models.CheckConstraint(condition=~Q(opens=F("closes")), name="bulk_hours_are_some")]
