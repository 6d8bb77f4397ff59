"""People who pass from one agency to another: what the old agency releases, the case that the hub keeps, and how each side sees it.

One number names a transfer everywhere: the key of the release that the old agency signed.
"""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from exchange.choices import TRANSFER_ENDED, TRANSFER_OPEN, TransferState
from exchange.models.channels import Channel
from exchange.models.inbound import Agency, AgencyManifest
from workflows.opened import opened_model


class TransferRelease(models.Model):
    """At the old agency: the gate's record of a release, document `transfer_release/1`. It is made once and never changes.

    It names the version of the file that is handed over, by number and digest, so that nothing can be slipped in afterwards.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.PositiveIntegerField(_("version"))
    digest = models.BinaryField(max_length=32)
    person = models.UUIDField(_("person"))
    person_name = models.CharField(_("name"), max_length=100)
    person_version = models.IntegerField(_("version of the file"))
    person_digest = models.CharField(_("fingerprint of the file"), max_length=64)
    unit = models.ForeignKey("orgtree.OrgUnit", models.PROTECT, related_name="+", verbose_name=_("unit that releases"))
    from_agency = models.CharField(_("from"), max_length=35)
    to_agency = models.CharField(_("to"), max_length=35)
    to_agency_name = models.CharField(_("receiving agency"), max_length=250)
    effective_on = models.DateField(_("on"))
    decision_number = models.CharField(_("decision number"), max_length=50)
    decision_date = models.DateField(_("decision date"))
    note = models.CharField(_("note"), max_length=500, null=True)

    class Meta:
        verbose_name = _("release")
        verbose_name_plural = _("releases")
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=~Q(from_agency=F("to_agency")), name="release_goes_elsewhere"),
            models.CheckConstraint(condition=Q(version=1), name="release_made_once"),
        ]


OpenedTransferRelease = opened_model(TransferRelease, db_table="opened_transfer_release")


class TransferMirror(models.Model):
    """What an agency knows of a case from the hub, and what it wants to tell the hub next (`wish`), until the hub has answered."""

    state = models.CharField(_("state"), max_length=9, choices=TransferState)
    due_on = models.DateField(_("to be taken over by"), null=True)
    expires_on = models.DateField(_("lapses after"), null=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True, default="", db_default="")
    wish = models.CharField(max_length=9, blank=True, default="", db_default="")
    wish_reason = models.CharField(max_length=500, blank=True, default="", db_default="")
    failures = models.PositiveSmallIntegerField(default=0, db_default=0)
    not_before = models.DateTimeField(db_default=Now())
    error_code = models.CharField(max_length=40, blank=True, default="", db_default="")
    error_text = models.CharField(max_length=500, blank=True, default="", db_default="")
    changed_at = models.DateTimeField(_("changed"), db_default=Now())

    class Meta:
        abstract = True


class OutgoingTransfer(TransferMirror):
    """At the old agency: a release on its way, from the moment at which it was applied."""

    release = models.OneToOneField(TransferRelease, models.PROTECT, primary_key=True, related_name="transfer")
    channel = models.ForeignKey(Channel, models.PROTECT, null=True, related_name="+")
    taken_at = models.DateTimeField(_("being taken over since"), null=True)
    passed_at = models.DateTimeField(_("person passed"), null=True)

    class Meta:
        verbose_name = _("person who leaves for another agency")
        verbose_name_plural = _("people who leave for another agency")


class IncomingTransfer(TransferMirror):
    """At the new agency: an offer as the hub tells it, the file once it was fetched, and the request that takes the person over."""

    id = models.UUIDField(primary_key=True, editable=False)
    channel = models.ForeignKey(Channel, models.PROTECT, related_name="+")
    person = models.UUIDField()
    person_name = models.CharField(_("name"), max_length=100)
    from_agency = models.CharField(_("from"), max_length=35)
    from_name = models.CharField(_("releasing agency"), max_length=250)
    effective_on = models.DateField(_("on"))
    decision_number = models.CharField(_("decision number"), max_length=50)
    decision_date = models.DateField(_("decision date"))
    note = models.CharField(_("note"), max_length=500, blank=True, default="")
    offered_at = models.DateTimeField(_("offered"))
    document = models.BinaryField(null=True, help_text="the file as the hub holds it, canonical bytes")
    evidence = models.JSONField(null=True, help_text="manifest, signature, receipt time, leaf and proof of that version, base64 and hex")
    places = models.JSONField(default=dict, help_text="names of the units that the file mentions, by key")
    fetched_at = models.DateTimeField(_("fetched"), null=True)
    request = models.ForeignKey("workflows.ChangeRequest", models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = _("person who comes from another agency")
        verbose_name_plural = _("people who come from another agency")
        indexes = [models.Index(fields=["person"], name="incoming_person")]


class TransferCase(models.Model):
    """On the hub: one person's passing from one agency to another. While it is open the person is the old agency's.

    The person passes in the very statement that writes the new agency's version of the file: a trigger completes the case, and refuses to
    let a file pass between agencies without one (migration `transfer_walls`).
    """

    id = models.UUIDField(primary_key=True, editable=False)
    key = models.UUIDField(help_text="the person's file")
    version = models.PositiveIntegerField(help_text="the old agency's number of what it hands over")
    digest = models.BinaryField(max_length=32)
    from_agency = models.ForeignKey(Agency, models.PROTECT, related_name="releases", verbose_name=_("from"))
    to_agency = models.ForeignKey(Agency, models.PROTECT, related_name="arrivals", verbose_name=_("to"))
    document = models.BinaryField(help_text="the release, canonical bytes")
    manifest = models.ForeignKey(AgencyManifest, models.PROTECT, related_name="+")
    leaf_index = models.PositiveIntegerField()
    proof = models.BinaryField(help_text="32 bytes a node, lowest sibling first")
    state = models.CharField(_("state"), max_length=9, choices=TransferState, default=TransferState.OFFERED)
    reason = models.CharField(_("reason"), max_length=500, blank=True, default="")
    offered_at = models.DateTimeField(_("offered"), db_default=Now())
    taken_at = models.DateTimeField(_("being taken over since"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)
    due_on = models.DateField(_("to be taken over by"))
    expires_on = models.DateField(_("lapses after"))
    passed_as = models.PositiveIntegerField(null=True, help_text="the hub's number of the version with which the person passed")

    class Meta:
        verbose_name = _("transfer between agencies")
        verbose_name_plural = _("transfers between agencies")
        constraints = [
            models.UniqueConstraint(fields=["key"], condition=Q(state__in=[one.value for one in TRANSFER_OPEN]), name="transfer_open_once_a_person"),
            models.CheckConstraint(condition=~Q(from_agency=F("to_agency")), name="transfer_between_two"),
            models.CheckConstraint(
                condition=Q(state__in=[one.value for one in TRANSFER_ENDED], ended_at__isnull=False)
                | Q(state__in=[one.value for one in TRANSFER_OPEN], ended_at=None),
                name="transfer_ended_has_day",
            ),
            models.CheckConstraint(
                condition=Q(state="completed", passed_as__isnull=False) | (~Q(state="completed") & Q(passed_as=None)),
                name="transfer_passed_when_completed",
            ),
        ]
        indexes = [
            models.Index(fields=["to_agency", "state"], name="transfer_to"),
            models.Index(fields=["from_agency", "state"], name="transfer_from"),
            models.Index(fields=["key"], name="transfer_key"),
        ]


class TransferStep(models.Model):
    """On the hub: one step of a case, by an agency, by a person of the hub, or by time. Append-only."""

    case = models.ForeignKey(TransferCase, models.PROTECT, related_name="steps")
    at = models.DateTimeField(db_default=Now())
    agency = models.ForeignKey(Agency, models.PROTECT, null=True, related_name="+")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    state = models.CharField(max_length=9, choices=TransferState)
    what = models.CharField(max_length=20)
    reason = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        ordering = ("pk",)
