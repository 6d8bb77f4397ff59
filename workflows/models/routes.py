from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from workflows.choices import Act, RiskClass, Verdict


class Route(models.Model):
    """The policy: which stages a change passes, by kind of record, unit subtree and risk class; "" and null stand for any.

    The most specific active route wins: the kind decides first, then the nearest unit, then the risk class (services.routing).
    A route with an `act` stands before the others: a request of that act passes its stages first, and then those it passes anyway.
    `steps` is a list of {name, action, signature} with, where they matter, `role` (the grant that the decider must hold), `quorum`
    (how many people, 1 if absent), `days` (working days to decide in), `sample` (records that must be opened before approving) and
    `seal` (the organisation's certificate signs, over the signatures before it). It is frozen into the request's stages at submit;
    changing a route never touches open requests (promise 3).
    """

    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind of record"), max_length=30, blank=True, default="")
    unit = models.ForeignKey("orgtree.OrgUnit", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("unit and below"))
    risk = models.CharField(_("risk class"), max_length=1, choices=RiskClass, blank=True, default="", db_default="")
    act = models.CharField(_("kind of act"), max_length=8, choices=Act, blank=True, default="", db_default="")
    steps = models.JSONField(_("steps"))
    lasts = models.PositiveSmallIntegerField(
        _("days of the review"), default=60, db_default=60, help_text=_("Working days after which an undecided request expires.")
    )
    active = models.BooleanField(_("in force"), default=True)

    class Meta:
        verbose_name = _("route")
        verbose_name_plural = _("routes")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "unit", "risk", "act"], condition=models.Q(active=True), nulls_distinct=False, name="route_one_active_a_scope"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Stage(models.Model):
    """One step of a route as frozen into a request. A `system` stage is decided by a named check of the program.

    It is passed when `quorum` different people have approved. `days` are the working days from its opening to its deadline.
    """

    request = models.ForeignKey("workflows.ChangeRequest", models.PROTECT, related_name="stages")
    number = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=100)
    action = models.CharField(max_length=20)
    role = models.CharField(max_length=20, blank=True, default="", db_default="")
    quorum = models.PositiveSmallIntegerField(default=1, db_default=1)
    days = models.PositiveSmallIntegerField(null=True)
    sample = models.PositiveSmallIntegerField(default=0, db_default=0)
    needs_signature = models.BooleanField(default=True)
    seal = models.BooleanField(default=False, db_default=False, help_text="signed with the organisation's certificate, over the signatures before it")
    system = models.CharField(max_length=60, blank=True, default="")

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["request", "number"], name="stage_number_once"),
            models.CheckConstraint(condition=models.Q(quorum__gte=1), name="stage_needs_somebody"),
            models.CheckConstraint(condition=models.Q(seal=False) | models.Q(needs_signature=True, quorum=1), name="seal_is_one_signature"),
        ]


class CalendarDay(models.Model):
    """A day that differs from the week: a holiday, or a weekend day that is worked instead (Labour Code art. 112; yearly notices)."""

    day = models.DateField(_("day"), primary_key=True)
    works = models.BooleanField(_("working day"), default=False)
    name = models.CharField(_("name"), max_length=100)

    class Meta:
        verbose_name = _("holiday or exchanged working day")
        verbose_name_plural = _("holidays and exchanged working days")
        ordering = ["day"]

    def __str__(self) -> str:
        return f"{self.day:%d/%m/%Y}: {self.name}"


class Decision(models.Model):
    """One verdict on one stage, bound by the manifest to the digests of the items it covered (promise 2). Append-only.

    `user` decided in the place of `on_behalf_of`, by `delegation`, where these are set.
    """

    stage = models.ForeignKey(Stage, models.PROTECT, related_name="decisions")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    verdict = models.CharField(max_length=8, choices=Verdict)
    manifest = models.ForeignKey("workflows.Manifest", models.PROTECT, null=True, related_name="decisions")
    signature = models.ForeignKey("workflows.Signature", models.PROTECT, null=True, related_name="decisions")
    reason = models.CharField(max_length=1000, blank=True, default="")
    on_behalf_of = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    delegation = models.ForeignKey("workflows.Delegation", models.PROTECT, null=True, related_name="decisions")
    decided_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["stage", "user"], name="decision_once_a_person"),
            models.UniqueConstraint(fields=["stage"], condition=models.Q(user__isnull=True), name="decision_once_a_system"),
            models.CheckConstraint(condition=~models.Q(verdict="approve") | models.Q(manifest__isnull=False), name="approval_names_its_manifest"),
            models.CheckConstraint(condition=~models.Q(verdict="return") | ~models.Q(reason=""), name="return_says_why"),
            models.CheckConstraint(
                condition=models.Q(on_behalf_of=None, delegation=None) | models.Q(on_behalf_of__isnull=False, delegation__isnull=False),
                name="decision_in_place_by_delegation",
            ),
        ]
