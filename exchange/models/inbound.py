import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from exchange.choices import InboundState, Outcome


class Agency(models.Model):
    """On the hub: an installation that may send. `code` is its agency identifier (Decision 20/2020/QĐ-TTg), as in its certificates.

    `root` is the key of the top unit of its tree, set by the first unit it sends whose code is its own. `issued` counts the
    receipts given to it; it is the cursor's source and is raised under this row's lock, so that a reader never misses one.
    `seal_from`: what the agency's server received from that day on needs the agency's own seal over its people's signatures.
    `late_days` is how old a signature's receipt time may be, until and with `late_until` (then 90 days again); see services.lateness.
    """

    code = models.CharField(_("agency identifier"), max_length=35, unique=True)
    name = models.CharField(_("name"), max_length=250)
    application = models.OneToOneField(settings.OAUTH2_PROVIDER_APPLICATION_MODEL, models.PROTECT, related_name="agency")
    root = models.ForeignKey("orgtree.OrgUnit", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("top unit"))
    active = models.BooleanField(_("active"), default=True)
    issued = models.BigIntegerField(default=0, editable=False)
    last_contact = models.DateTimeField(_("last contact"), null=True, editable=False)
    calls_a_minute = models.PositiveIntegerField(_("calls a minute"), default=600, db_default=600, help_text=_("More are answered with 429."))
    records_a_day = models.PositiveIntegerField(
        _("records a day"), default=500_000, db_default=500_000, help_text=_("What goes beyond waits for the next day.")
    )
    seal_from = models.DateField(
        _("the agency’s seal is needed from"), null=True, editable=False, help_text=_("Empty: a person’s signature is enough.")
    )
    late_days = models.PositiveSmallIntegerField(_("days for which a signature may be sent"), default=90, db_default=90, editable=False)
    late_until = models.DateField(_("longer limit until"), null=True, editable=False)
    late_reason = models.CharField(_("reason of the longer limit"), max_length=300, blank=True, default="", db_default="", editable=False)

    class Meta:
        verbose_name = _("sending agency")
        verbose_name_plural = _("sending agencies")

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class InboundBatch(models.Model):
    """A call as it was received: the bytes are kept as evidence. Results are `InboundResult`s."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="batches")
    idempotency_key = models.CharField(max_length=128)
    kind = models.CharField(max_length=30)
    body = models.BinaryField()
    body_digest = models.BinaryField(max_length=32)
    size = models.PositiveIntegerField(_("records"))
    state = models.CharField(_("state"), max_length=9, choices=InboundState, default=InboundState.RECEIVED)
    request = models.OneToOneField("workflows.ChangeRequest", models.PROTECT, null=True, related_name="+")
    accepted = models.PositiveIntegerField(_("accepted"), default=0)
    rejected = models.PositiveIntegerField(_("rejected"), default=0)
    received_at = models.DateTimeField(_("received"), db_default=Now())
    processed_at = models.DateTimeField(_("processed"), null=True)
    not_before = models.DateTimeField(db_default=Now())
    failures = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True, default="")

    class Meta:
        verbose_name = _("received batch")
        verbose_name_plural = _("received batches")
        constraints = [models.UniqueConstraint(fields=["agency", "idempotency_key"], name="inbound_key_once")]
        indexes = [models.Index(fields=["not_before"], condition=models.Q(state="received"), name="inbound_due")]


class AgencyManifest(models.Model):
    """An agency's signed manifest as the hub verified it, once for all its batches. Append-only.

    `answers` are what OCSP responders said of the signature's certificates (DER): those that the agency sent along, of `received_at`; or those
    that the hub asked for itself, at `asked_at`. `named_by` is by whose word the certificate is the agency's, where it names none.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="manifests")
    digest = models.BinaryField(max_length=32)
    body = models.BinaryField()
    signature_digest = models.BinaryField(max_length=32)
    signature = models.BinaryField()
    received_at = models.DateTimeField(_("received by the agency"))
    answers = ArrayField(models.BinaryField(), default=list, db_default=[])
    asked_at = models.DateTimeField(null=True)
    verified_at = models.DateTimeField(_("verified"), db_default=Now())
    subject = models.CharField(max_length=500)
    fingerprint = models.CharField(max_length=64)
    named_by = models.ForeignKey("exchange.AgencySigner", models.PROTECT, null=True, related_name="manifests")

    class Meta:
        verbose_name = _("agency's manifest")
        verbose_name_plural = _("agencies' manifests")
        constraints = [models.UniqueConstraint(fields=["agency", "digest", "signature_digest"], name="agency_manifest_once")]


class InboundEvidence(models.Model):
    """Why the hub holds a version: the leaf of the agency's manifest that it was, and the proof. Append-only.

    `version` counts what the hub holds; `agency_version` is the agency's own number where it is another: the hub set this or an earlier
    version aside once, or the person came from another agency, whose versions come first. On the wire versions are always the agency's.
    """

    kind = models.CharField(max_length=30)
    key = models.UUIDField()
    version = models.PositiveIntegerField()
    agency_version = models.PositiveIntegerField(null=True)
    manifest = models.ForeignKey(AgencyManifest, models.PROTECT, related_name="evidence")
    leaf_index = models.PositiveIntegerField()
    proof = models.BinaryField(help_text="32 bytes a node, lowest sibling first")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "key", "version"], name="evidence_once_a_version"),
        ]
        indexes = [models.Index(fields=["kind", "key"], condition=models.Q(agency_version__isnull=False), name="evidence_renumbered")]


class SetAside(models.Model):
    """A version that an agency signed and that is no version of the hub's ledger, kept with its proof. Append-only.

    Refused (`code`): what it says breaks a rule, so it never became true here; its existence is proved all the same, and the version
    after it may follow. Or the same (`held_as`): it brings back the very document that the hub holds as that version of its own.

    An agency that was restored from an older backup, or begun anew, takes over what the hub holds as its own next version, and counts on from
    there. That version opens another `era` of the record: its number is the one that counts, and those that reach as far are no more.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=30)
    key = models.UUIDField()
    version = models.PositiveIntegerField(help_text="the agency's number")
    digest = models.BinaryField(max_length=32)
    document = models.BinaryField(help_text="canonical bytes, as they were signed")
    manifest = models.ForeignKey(AgencyManifest, models.PROTECT, related_name="+")
    leaf_index = models.PositiveIntegerField()
    proof = models.BinaryField(help_text="32 bytes a node, lowest sibling first")
    batch = models.ForeignKey(InboundBatch, models.PROTECT, related_name="set_aside")
    code = models.CharField(max_length=40, blank=True, default="")
    held_as = models.PositiveIntegerField(null=True, help_text="the hub's number")
    era = models.PositiveSmallIntegerField(default=0, db_default=0, help_text="how often the agency has begun to count this record anew")
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("version set aside")
        verbose_name_plural = _("versions set aside")
        constraints = [
            models.UniqueConstraint(fields=["agency", "kind", "key", "era", "version"], name="set_aside_once"),
            models.CheckConstraint(
                condition=models.Q(code="", held_as__isnull=False) | (models.Q(held_as=None) & ~models.Q(code="")), name="set_aside_says_why"
            ),
        ]


class InboundResult(models.Model):
    """The hub's answer for one item of a batch. `sequence` is the cursor of its agency. Append-only."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    sequence = models.BigIntegerField()
    batch = models.ForeignKey(InboundBatch, models.PROTECT, related_name="results")
    index = models.PositiveIntegerField()
    kind = models.CharField(max_length=30)
    key = models.UUIDField()
    version = models.PositiveIntegerField()
    outcome = models.CharField(max_length=8, choices=Outcome)
    code = models.CharField(max_length=40, blank=True, default="")
    message = models.TextField(blank=True, default="")
    digest = models.BinaryField(max_length=32, null=True)
    findings = models.JSONField(default=list)
    set_aside = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "index"], name="result_once_an_item"),
            models.UniqueConstraint(fields=["agency", "sequence"], name="result_sequence_once"),
            models.CheckConstraint(
                condition=models.Q(outcome="accepted", code="", digest__isnull=False) | (models.Q(outcome="rejected") & ~models.Q(code="")),
                name="result_says_what",
            ),
        ]
