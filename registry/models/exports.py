import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from registry.choices import ListFormat


class ListExport(models.Model):
    """A list of people written to a file for one person: what was asked for, and how long the file may be fetched.

    `query` is the filter of the staff list as it stands in an address. The file stands below VAR_DIRECTORY, named after the id, and
    goes when `expires_at` has passed; the row stays. `left_out` counts files that are marked "does not leave".
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    format = models.CharField(max_length=4, choices=ListFormat)
    columns = ArrayField(models.CharField(max_length=60))
    lists = ArrayField(models.CharField(max_length=40), default=list)
    query = models.JSONField(default=dict)
    whole = models.BooleanField(default=False, help_text="class-A values in the clear where the person may work on them")
    reason = models.CharField(max_length=10, blank=True, default="")
    note = models.CharField(max_length=300, blank=True, default="")
    address = models.GenericIPAddressField(null=True)
    rows = models.PositiveIntegerField(null=True)
    left_out = models.PositiveIntegerField(default=0)
    size = models.PositiveBigIntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["user", "-created_at"]), models.Index(fields=["expires_at"])]
