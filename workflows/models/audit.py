from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class AuditEvent(models.Model):
    """Who did what, when, on which request or record. Written in the transaction of the deed; append-only.

    The table is partitioned by the month of `at` in Viet Nam, which Django cannot make: its migration does (so it is "unmanaged"),
    and `workflows.services.audit_months` makes the months to come. `id` grows with time; the key of the table is (id, at).
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(_("time"), db_default=Now())
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("who"))
    action = models.CharField(_("action"), max_length=60)
    request = models.ForeignKey("workflows.ChangeRequest", models.PROTECT, null=True, related_name="events")
    unit = models.ForeignKey("orgtree.OrgUnit", models.PROTECT, null=True, related_name="+")
    kind = models.CharField(max_length=30, blank=True, default="")
    key = models.UUIDField(null=True)
    detail = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        managed = False


class AuditSeal(models.Model):
    """The sealed audit events with ids in (after_id, to_id], chained to the one before. Append-only.

    `leaves` holds 40 bytes an event (its id, big-endian, and its leaf hash), so that an edited event is named and not only its
    range; `body` is the canonical statement (`audit-seal/1`: sequence, previous, after_id, to_id, count, root), `digest` its SHA-256.
    """

    sequence = models.BigIntegerField(primary_key=True)
    after_id = models.BigIntegerField()
    to_id = models.BigIntegerField()
    leaves = models.BinaryField()
    body = models.BinaryField()
    digest = models.BinaryField(max_length=32, unique=True)
    sealed_at = models.DateTimeField(db_default=Now())
