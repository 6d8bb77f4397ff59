from django.db import models
from django.db.models.functions import Now


class Hold(models.Model):
    """A record of which nothing new may become true here: while it stands, a trigger lets no version of it into the ledger.

    `cause` names who set it (exchange's transfers); `text` says to people why. A `final` one stands because the record has gone elsewhere:
    what is on file stays readable as it was.
    """

    kind = models.CharField(max_length=30)
    key = models.UUIDField()
    cause = models.CharField(max_length=30)
    text = models.CharField(max_length=300)
    final = models.BooleanField(default=False)
    since = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="hold_once_a_record")]
