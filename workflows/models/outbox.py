from django.db import models
from django.db.models.functions import Now


class OutboxMessage(models.Model):
    """What must be told to the outside, written in the transaction that applied it. Its delivery is `exchange`'s."""

    kind = models.CharField(max_length=30)
    key = models.UUIDField()
    version = models.PositiveIntegerField()
    document = models.ForeignKey("workflows.StoredDocument", models.PROTECT, related_name="+")
    request = models.ForeignKey("workflows.ChangeRequest", models.PROTECT, related_name="messages")
    leaf_index = models.PositiveIntegerField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "key", "version"], name="message_once")]
        indexes = [models.Index(fields=["request", "leaf_index"])]
