"""Which fields an administrator has made mandatory, or freed, against the defaults of the field catalogue."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class FieldDemand(models.Model):
    """One departure from the catalogue: with no row at all everything is as the catalogue has it.

    `name` is a field or a list of rows of `staff_profile/1`. `at_draft`: no file is made without it. `at_sync`: it is to be there when the
    file goes to the national database; whatever is asked for when the file is made is asked for then too.
    """

    name = models.CharField(_("field"), max_length=100, unique=True)
    at_draft = models.BooleanField(_("when the file is made"))
    at_sync = models.BooleanField(_("when it is sent"))
    reason = models.CharField(_("reason"), max_length=300)
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("changed by"))
    changed_at = models.DateTimeField(_("changed at"), db_default=Now())

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=Q(at_draft=False) | Q(at_sync=True), name="registry_fielddemand_order")]

    def __str__(self) -> str:
        return self.name
