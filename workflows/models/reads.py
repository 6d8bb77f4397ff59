from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from workflows.choices import ReadAction, ReadReason


class ReadEvent(models.Model):
    """Who looked at which record, when, at what of it, why and from where. Append-only, and no part of what is signed.

    The table is partitioned by the month of `at` in Viet Nam, which Django cannot make: its migration does (so it is "unmanaged"),
    and `workflows.services.read_months` makes the months to come. `id` grows with time; the key of the table is (id, at).
    `unit` is the one that the record stood in then. `what` says which part: the name of a field, of a form, of a request or a run.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(_("time"), db_default=Now())
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("who"))
    action = models.CharField(_("action"), max_length=10, choices=ReadAction)
    kind = models.CharField(max_length=30)
    key = models.UUIDField()
    unit = models.ForeignKey("orgtree.OrgUnit", models.PROTECT, null=True, related_name="+", verbose_name=_("unit"))
    what = models.CharField(max_length=200, blank=True, default="")
    reason = models.CharField(_("reason"), max_length=10, choices=ReadReason, blank=True, default="")
    note = models.CharField(max_length=300, blank=True, default="")
    address = models.GenericIPAddressField(_("address"), null=True)

    class Meta:
        managed = False
        db_table = "workflows_readevent"
        verbose_name = _("read log entry")
        verbose_name_plural = _("read log")
