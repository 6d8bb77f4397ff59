import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from workflows.choices import JobState


class JobRun(models.Model):
    """A background run that a person can watch. Rows are written outside the run's transaction; live progress is in Redis.

    `subject` names what it works on, as "upload:<id>" or "request:<id>".
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=80)
    title = models.CharField(max_length=300, blank=True, default="")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    state = models.CharField(max_length=8, choices=JobState, default=JobState.QUEUED)
    stage = models.CharField(max_length=60, blank=True, default="")
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["subject"]), models.Index(fields=["actor", "-created_at"])]
