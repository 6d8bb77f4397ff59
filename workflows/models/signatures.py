from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class Manifest(models.Model):
    """The canonical statement that is signed (`manifest/1`, workflows.manifest), as prepared for one decider. Append-only."""

    digest = models.BinaryField(primary_key=True, max_length=32)
    body = models.BinaryField()
    request = models.ForeignKey("workflows.ChangeRequest", models.PROTECT, related_name="manifests")
    stage = models.PositiveSmallIntegerField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    prepared_at = models.DateTimeField()


class Signature(models.Model):
    """A verified CMS signature over a manifest, chain inside. Validity was judged at `received_at`. Append-only."""

    digest = models.BinaryField(primary_key=True, max_length=32)
    manifest = models.ForeignKey(Manifest, models.PROTECT, related_name="signatures")
    der = models.BinaryField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    received_at = models.DateTimeField(db_default=Now())
    signed_at = models.DateTimeField(null=True)
    fingerprint = models.CharField(max_length=64)
    subject = models.CharField(max_length=500)


class Timestamp(models.Model):
    """An RFC 3161 token over a signature's value, from the authority at TSA_URL: it was there at `stamped_at`. Append-only."""

    signature = models.OneToOneField(Signature, models.PROTECT, primary_key=True, related_name="timestamp")
    token = models.BinaryField()
    stamped_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())


class RevocationAnswer(models.Model):
    """What an authority's responder said of one certificate of the signer's path (OCSPResponse, DER) when the signature came in. Append-only.

    `certificate` is the SHA-256 of the certificate asked about, lower-case hex; `digest` that of `der`, which the audit trail names.
    """

    signature = models.ForeignKey(Signature, models.PROTECT, related_name="answers")
    certificate = models.CharField(max_length=64)
    responder = models.CharField(max_length=300)
    der = models.BinaryField()
    digest = models.BinaryField(max_length=32)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["signature", "certificate"], name="one_answer_a_certificate")]
