from django.db import models
from django.db.models.functions import Now


class SealTold(models.Model):
    """What was handed to an outside witness, and when it had it. Append-only. `body` is the canonical statement `witness/1`."""

    witness = models.CharField(max_length=100)
    body = models.BinaryField()
    ledger = models.BigIntegerField(default=0)
    audit = models.BigIntegerField(default=0)
    told_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["witness", "-told_at"], name="seal_told_latest")]


class SealSeen(models.Model):
    """Where we are the witness: a link of another installation's chain of seals, as that one told it. Append-only, the first word counts."""

    authority = models.CharField(max_length=35)
    chain = models.CharField(max_length=6)
    sequence = models.BigIntegerField()
    digest = models.BinaryField(max_length=32)
    at = models.DateTimeField()
    received_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["authority", "chain", "sequence"], name="seal_seen_once")]
