import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from workflows.choices import CertificateState, CertificateWay


class RegisteredCertificate(models.Model):
    """That a signing certificate is this person's, though its subject does not carry their number, and how that was proved.

    `statement` is the challenge (`workflows.registration`, schema registration/1), `proof` the CMS signature over it by the certificate's
    own key, `answers` what OCSP responders said then; `proved_at` is when the server received the proof, by which it is judged. It counts
    from `in_force_at` until `ended_at` for the account under the login `username` that was signed. What an administrator asked for
    (way OFFICE) another one confirms. Rows of way FORMER were typed before there was a proof, and count for nothing since.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="certificates", verbose_name=_("user"))
    username = models.CharField(max_length=150)
    way = models.CharField(max_length=6, choices=CertificateWay)
    state = models.CharField(_("state"), max_length=8, choices=CertificateState, default=CertificateState.ASKED)
    fingerprint = models.CharField(max_length=64)
    subject = models.CharField(max_length=500)
    certificate = models.BinaryField()
    valid_until = models.DateTimeField(null=True)
    statement = models.BinaryField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True)
    proof = models.BinaryField(null=True)
    answers = ArrayField(models.BinaryField(), default=list)
    proved_at = models.DateTimeField(null=True)
    decider = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    in_force_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True, default="")

    class Meta:
        verbose_name = _("registered certificate")
        verbose_name_plural = _("registered certificates")
        constraints = [
            models.UniqueConstraint(fields=["fingerprint"], condition=Q(state__in=["proved", "in_force"]), name="certificate_of_one_person"),
            models.UniqueConstraint(fields=["user", "fingerprint"], condition=Q(state="asked"), name="certificate_asked_once"),
            models.CheckConstraint(
                condition=Q(way="former") | Q(in_force_at=None) | Q(proof__isnull=False, proved_at__isnull=False), name="certificate_proved"
            ),
            models.CheckConstraint(
                condition=~Q(way="office")
                | Q(in_force_at=None)
                | Q(decider__isnull=False) & ~Q(decider=F("asked_by")) & ~Q(decider=F("user")) & ~Q(asked_by=F("user")),
                name="certificate_by_two",
            ),
            models.CheckConstraint(condition=~Q(way="own") | Q(asked_by=F("user")), name="certificate_own"),
        ]
        indexes = [models.Index(fields=["fingerprint"], name="certificate_fingerprint")]

    def __str__(self) -> str:
        return self.subject
