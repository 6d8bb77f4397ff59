"""Code lists between hub and agencies: what an agency read of the hub's, with what proves it; and, on the hub, which agency holds what.

What is read here changes no code: that takes a request of the agency's own gate, which `CatalogueTaking` ties to what it took.
"""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from exchange.models.channels import Channel
from exchange.models.inbound import Agency


class CatalogueSource(models.Model):
    """At an agency: the hub of a channel as a publisher of code lists.

    `authority` is the agency identifier that its first answer named; an answer in another name is refused until an administrator clears it.
    `begun_at` stands while a pull is under way; `checked_at` is when the last one came to its end, `error_*` why it did not.
    """

    channel = models.OneToOneField(Channel, models.PROTECT, primary_key=True, related_name="catalogue_source")
    authority = models.CharField(_("publisher"), max_length=40, blank=True, default="")
    begun_at = models.DateTimeField(null=True, editable=False)
    checked_at = models.DateTimeField(_("last asked"), null=True, editable=False)
    error_code = models.CharField(max_length=40, blank=True, default="", editable=False)
    error_text = models.CharField(max_length=500, blank=True, default="", editable=False)

    class Meta:
        verbose_name = _("publisher of code lists")
        verbose_name_plural = _("publishers of code lists")

    def __str__(self) -> str:
        return self.authority or str(self.channel_id)


class CatalogueRead(models.Model):
    """How far an agency has read one published catalogue: every code up to `position`; all of `version` when `digest` is that of what it kept."""

    source = models.ForeignKey(CatalogueSource, models.PROTECT, related_name="catalogues")
    name = models.CharField(max_length=30)
    version = models.BigIntegerField(_("version"), default=0)
    digest = models.BinaryField(max_length=32, default=b"")
    position = models.BigIntegerField(default=0)
    codes = models.PositiveIntegerField(_("codes"), default=0)
    changed_at = models.DateTimeField(_("published"), null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "name"], name="catalogue_read_once")]


class CatalogueManifest(models.Model):
    """What the hub's people signed, as the agency verified it. Append-only."""

    source = models.ForeignKey(CatalogueSource, models.PROTECT, related_name="manifests")
    digest = models.BinaryField(max_length=32)
    body = models.BinaryField()
    signature_digest = models.BinaryField(max_length=32)
    signature = models.BinaryField()
    received_at = models.DateTimeField(_("received by the hub"))
    verified_at = models.DateTimeField(_("verified"), db_default=Now())
    decider = models.CharField(_("decided by"), max_length=500)
    subject = models.CharField(max_length=500)
    fingerprint = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "digest", "signature_digest"], name="catalogue_manifest_once")]


class CatalogueCode(models.Model):
    """One version of one code as the hub published it, with its leaf and proof. Append-only; the newest by position is what the hub holds."""

    source = models.ForeignKey(CatalogueSource, models.PROTECT, related_name="codes")
    catalogue = models.CharField(max_length=30)
    kind = models.CharField(max_length=30)
    key = models.UUIDField()
    version = models.PositiveIntegerField(_("version"))
    position = models.BigIntegerField()
    digest = models.BinaryField(max_length=32)
    document = models.BinaryField(help_text="canonical bytes, as they were signed")
    manifest = models.ForeignKey(CatalogueManifest, models.PROTECT, related_name="codes")
    leaf_index = models.PositiveIntegerField()
    proof = models.BinaryField(help_text="32 bytes a node, lowest sibling first")
    received_at = models.DateTimeField(_("received"), db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "kind", "key", "version", "digest"], name="catalogue_code_once")]
        indexes = [models.Index(fields=["source", "kind", "key", "-position"], name="catalogue_code_newest")]


class CatalogueChoice(models.Model):
    """What a person decided about a published version that contradicts what stands here: take it, or keep ours. The last one counts."""

    class Choice(models.TextChoices):
        TAKE = "take", _("take over the hub’s")
        KEEP = "keep", _("keep ours")

    code = models.OneToOneField(CatalogueCode, models.PROTECT, primary_key=True, related_name="choice")
    choice = models.CharField(max_length=4, choices=Choice)
    reason = models.CharField(_("reason"), max_length=300, blank=True, default="")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(db_default=Now())


class CatalogueTaking(models.Model):
    """A request of this agency that takes a published version over. It is taken once the ledger has that request's version. Append-only."""

    code = models.ForeignKey(CatalogueCode, models.PROTECT, related_name="takings")
    request = models.ForeignKey("workflows.ChangeRequest", models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["code", "request"], name="catalogue_taking_once")]


class AgencyCatalogue(models.Model):
    """On the hub: how far an agency has a catalogue, as it said when it asked last."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="catalogues")
    name = models.CharField(max_length=30)
    version = models.BigIntegerField(_("version"))
    waiting = models.PositiveIntegerField(_("not yet in force there"))
    kept = models.PositiveIntegerField(_("different by decision"))
    reported_at = models.DateTimeField(_("reported"))

    class Meta:
        constraints = [models.UniqueConstraint(fields=["agency", "name"], name="agency_catalogue_once")]
