from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class RecordVersion(models.Model):
    """A ledger row: which document a record became, by which leaf of which request. Append-only; the tables are its projection."""

    kind = models.CharField(max_length=30)
    key = models.UUIDField()
    version = models.PositiveIntegerField(_("version"))
    document = models.ForeignKey("workflows.StoredDocument", models.PROTECT, related_name="+")
    request = models.ForeignKey("workflows.ChangeRequest", models.PROTECT, related_name="versions")
    leaf_index = models.PositiveIntegerField()
    recorded_at = models.DateTimeField(_("recorded"), db_default=Now())

    class Meta:
        verbose_name = _("version")
        verbose_name_plural = _("versions")
        constraints = [
            models.UniqueConstraint(fields=["kind", "key", "version"], name="version_once"),
            models.UniqueConstraint(fields=["request", "leaf_index"], name="version_leaf_once"),
        ]


class Seal(models.Model):
    """One link of the chain of applied requests. `body` is the canonical seal statement, `digest` its SHA-256. Append-only.

    Statement (`seal/1`): sequence, previous, request, root, count, applied, skipped (leaf indexes that met a conflict),
    manifests and signatures of every stage, evidence, sealed_at. Removing or editing one breaks every later link.
    """

    sequence = models.BigIntegerField(primary_key=True)
    request = models.OneToOneField("workflows.ChangeRequest", models.PROTECT, related_name="seal")
    body = models.BinaryField()
    digest = models.BinaryField(max_length=32, unique=True)
    sealed_at = models.DateTimeField(db_default=Now())
