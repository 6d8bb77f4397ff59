import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from workflows.choices import AttachmentKind


class Attachment(models.Model):
    """A scanned decision that is evidence for a request. Added and taken away only until the request is submitted (trigger).

    The bytes stand in a file named after `sha256` (hex) and once however often they are attached; `name` is what the sender called
    it and never a path. What was attached at submit is frozen into the request's `evidence` and so into its seal.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    request = models.ForeignKey("workflows.ChangeRequest", models.PROTECT, related_name="attachments")
    sha256 = models.CharField(max_length=64, db_index=True)
    name = models.CharField(_("file"), max_length=200)
    kind = models.CharField(max_length=4, choices=AttachmentKind)
    size = models.PositiveIntegerField(_("size"))
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    added_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("attachment")
        constraints = [
            models.UniqueConstraint(fields=["request", "sha256"], name="attachment_once_a_request"),
            models.CheckConstraint(condition=models.Q(sha256__regex=r"^[0-9a-f]{64}$", size__gt=0), name="attachment_is_a_file"),
        ]
