import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from workflows.choices import Act, Ground, ItemState, Op, RequestState, RiskClass, Severity, system_words


class ChangeRequest(models.Model):
    """What is submitted, approved and signed as a whole: 1 to 100,000 items.

    `root` is the RFC 9162 root over the items' leaves, frozen at submit with `count` and `kinds`; `subtrees` holds the nodes of
    level 8 (32 bytes for every 256 leaves), so that one proof needs one block of leaves. `system` names the program that
    authored a request without a person (the hub's intake). `unit` is null only while an authority is being founded.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.BigIntegerField(
        _("number"), unique=True, editable=False, db_default=models.Func(models.Value("workflows_request_number"), function="nextval")
    )
    title = models.CharField(_("title"), max_length=300)
    unit = models.ForeignKey("orgtree.OrgUnit", models.PROTECT, null=True, related_name="+", verbose_name=_("unit"))
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("author"))
    system = models.CharField(max_length=100, blank=True, default="")
    state = models.CharField(_("state"), max_length=12, choices=RequestState, default=RequestState.DRAFT)
    created_at = models.DateTimeField(_("created"), db_default=Now())
    submitted_at = models.DateTimeField(_("submitted"), null=True)
    decided_at = models.DateTimeField(_("decided"), null=True)
    applied_at = models.DateTimeField(_("applied"), null=True)
    effective_on = models.DateField(_("takes effect on"), null=True, help_text=_("Applied on this day; as soon as it is approved without one."))
    expires_on = models.DateField(_("to be decided by"), null=True, help_text=_("The last day of the review, counted by the route."))
    count = models.PositiveIntegerField(_("records"), default=0)
    kinds = models.JSONField(default=dict)
    risk = models.CharField(
        _("risk class"),
        max_length=1,
        choices=RiskClass,
        default=RiskClass.A,
        db_default=RiskClass.A,
        help_text=_("The highest class of the records."),
    )
    act = models.CharField(_("kind of act"), max_length=8, choices=Act, blank=True, default="", db_default="")
    reason = models.CharField(
        _("reason"), max_length=1000, blank=True, default="", db_default="", help_text=_("Why a value that stood is corrected.")
    )
    follows = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="followers", help_text=_("The ended request of which records are tried once more.")
    )
    revokes = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="revocations", help_text=_("The applied request whose signatures this one revokes.")
    )
    ground = models.CharField(_("ground of the revocation"), max_length=10, choices=Ground, blank=True, default="", db_default="")
    root = models.BinaryField(max_length=32, null=True)
    subtrees = models.BinaryField(default=b"")
    evidence = models.JSONField(default=dict, help_text="what a system stage decided on, for example the agency's manifest and signature")
    applying_xid = models.BigIntegerField(null=True, editable=False)
    error = models.TextField(blank=True, default="")

    class Meta:
        verbose_name = _("change request")
        verbose_name_plural = _("change requests")
        constraints = [
            models.CheckConstraint(condition=models.Q(author__isnull=False) ^ ~models.Q(system=""), name="request_has_one_author"),
            models.CheckConstraint(condition=models.Q(count__lte=100_000), name="request_at_most_100000_items"),
            models.CheckConstraint(condition=~models.Q(act=Act.CORRECT) | ~models.Q(reason=""), name="request_correction_says_why"),
            models.CheckConstraint(
                condition=models.Q(revokes=None, ground="")
                | (models.Q(revokes__isnull=False, act=Act.REVOKE) & ~models.Q(ground="") & ~models.Q(reason="")),
                name="request_revocation_says_why",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "unit"]),
            models.Index(fields=["author", "-created_at"]),
            models.Index(fields=["unit", "-created_at"]),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def author_name(self) -> str:
        """Who wrote it, in words; load `author` along."""
        return self.author.display_name if self.author else system_words(self.system)


class ChangeItem(models.Model):
    """One record's change. *Before* is the ledger's document at `base_version`; `document` is the record as it will be."""

    request = models.ForeignKey(ChangeRequest, models.PROTECT, related_name="items")
    leaf_index = models.PositiveIntegerField()
    ref = models.PositiveIntegerField(default=0, help_text="the author's own number of the record, for example the sheet row")
    kind = models.CharField(max_length=30)
    key = models.UUIDField()
    op = models.CharField(max_length=6, choices=Op)
    base_version = models.PositiveIntegerField()
    document = models.ForeignKey("workflows.StoredDocument", models.PROTECT, related_name="+")
    changed = ArrayField(models.CharField(max_length=60))
    risk = models.CharField(max_length=1, choices=RiskClass, default=RiskClass.A, db_default=RiskClass.A)
    units = ArrayField(models.UUIDField(), help_text="units whose right this change needs")
    natural_hash = models.BinaryField(max_length=32, null=True)
    state = models.CharField(max_length=8, choices=ItemState, default=ItemState.DRAFT)
    reason = models.CharField(max_length=300, blank=True, default="", db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request", "leaf_index"], name="item_leaf"),
            models.UniqueConstraint(fields=["request", "kind", "key"], name="item_once_a_request"),
            models.UniqueConstraint(fields=["kind", "key"], condition=models.Q(state="open"), name="item_open_once_a_record"),
            models.UniqueConstraint(fields=["kind", "natural_hash"], condition=models.Q(state="open"), name="item_open_once_a_natural_key"),
            models.CheckConstraint(
                condition=models.Q(op="create", base_version=0) | models.Q(op="update", base_version__gt=0), name="item_op_fits_base"
            ),
        ]
        indexes = [models.Index(fields=["kind", "key"])]


class Contribution(models.Model):
    """Who wrote, uploaded or repaired any part of a request, and so can never decide on it (promise 1). Append-only."""

    request = models.ForeignKey(ChangeRequest, models.PROTECT, related_name="contributions")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    part = models.CharField(max_length=30, default="author")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["request", "user", "part"], name="contribution_once")]


class Finding(models.Model):
    """A rule's verdict on an item. The message is made on reading, in the reader's language, from the rule's code."""

    request = models.ForeignKey(ChangeRequest, models.CASCADE, related_name="findings")
    leaf_index = models.PositiveIntegerField()
    code = models.CharField(max_length=40)
    severity = models.CharField(max_length=10, choices=Severity)
    field = models.CharField(max_length=60)
    value = models.TextField(blank=True, default="")

    class Meta:
        indexes = [models.Index(fields=["request", "code", "leaf_index"])]
