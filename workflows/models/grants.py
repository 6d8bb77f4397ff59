import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from orgtree.choices import Role
from workflows.choices import GrantOp, GrantState


class GrantChange(models.Model):
    """A grant to be given, renewed or ended: proposed by one person and confirmed by another, neither of them its holder.

    Only a confirmed change writes `orgtree.Grant`, in the transaction that confirms it (guards.GRANT_GATE). `about` is the grant that is
    ended or renewed, `grant` the one that was given. The period is half open; of an end, `valid_to` is the day on which it works.
    `batch` holds the lines of one list together. `system` names the command that gave the first grants, where nobody could yet.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    batch = models.UUIDField(null=True, db_index=True)
    op = models.CharField(_("what happens"), max_length=5, choices=GrantOp)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("user"))
    role = models.CharField(_("role"), max_length=20, choices=Role)
    unit = models.ForeignKey("orgtree.OrgUnit", models.PROTECT, related_name="+", verbose_name=_("unit"))
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"))
    about = models.ForeignKey("orgtree.Grant", models.PROTECT, null=True, related_name="changes")
    reason = models.CharField(_("reason"), max_length=300)
    proposer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("proposed by"))
    system = models.CharField(max_length=100, blank=True, default="")
    proposed_at = models.DateTimeField(_("proposed at"), db_default=Now())
    state = models.CharField(_("state"), max_length=9, choices=GrantState, default=GrantState.PROPOSED)
    decider = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("decided by"))
    decided_at = models.DateTimeField(_("decided at"), null=True)
    note = models.CharField(_("note"), max_length=300, blank=True, default="")
    grant = models.OneToOneField("orgtree.Grant", models.PROTECT, null=True, related_name="given_by_change")
    confirmed_xid = models.BigIntegerField(null=True, editable=False)

    class Meta:
        verbose_name = _("change of a grant")
        verbose_name_plural = _("changes of grants")
        constraints = [
            models.CheckConstraint(condition=~Q(decider=F("proposer")), name="grantchange_four_eyes"),
            models.CheckConstraint(condition=~Q(proposer=F("user")) & ~Q(decider=F("user")), name="grantchange_never_ones_own"),
            models.CheckConstraint(condition=Q(valid_to__gt=F("valid_from")) | Q(op="end"), name="grantchange_period_ordered"),
            models.CheckConstraint(condition=~Q(reason=""), name="grantchange_says_why"),
            models.CheckConstraint(condition=Q(proposer__isnull=False) ^ ~Q(system=""), name="grantchange_has_one_origin"),
            models.CheckConstraint(condition=Q(op="give", about=None) | (~Q(op="give") & Q(about__isnull=False)), name="grantchange_names_its_grant"),
            models.CheckConstraint(
                condition=~Q(state__in=["confirmed", "refused"]) | Q(decider__isnull=False) | ~Q(system=""), name="grantchange_has_a_decider"
            ),
            models.UniqueConstraint(fields=["user", "role", "unit", "op"], condition=Q(state="proposed"), name="grantchange_one_open"),
        ]
        indexes = [models.Index(fields=["state", "unit"]), models.Index(fields=["user", "-proposed_at"])]

    def __str__(self) -> str:
        return f"{self.get_op_display()}: {self.user}, {self.get_role_display()}, {self.unit}"
