import uuid
from datetime import date, datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from workflows.choices import GrantState


class InitialPassword(models.Model):
    """The password of `user` was set by somebody else, who knows it: until it is changed, nothing else is done with it."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="initial_password")
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    set_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("initial password")
        verbose_name_plural = _("initial passwords")


class KnownDevice(models.Model):
    """A browser in which `user` has logged in. `digest` is the SHA-256 of a random mark that the browser keeps."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="known_devices")
    digest = models.BinaryField(max_length=32)
    browser = models.CharField(max_length=40, blank=True, default="")
    system = models.CharField(max_length=40, blank=True, default="")
    first_login = models.DateTimeField(db_default=Now())
    last_login = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "digest"], name="known_device_once")]


class SuperuserOp(models.TextChoices):
    GIVE = "give", _("Make somebody a superuser")
    RENEW = "renew", _("Renew a superuser’s term")
    END = "end", _("End a superuser’s rights")


class SuperuserTerms(models.QuerySet["SuperuserTerm"]):
    def in_force(self, *, today: date, moment: datetime) -> "SuperuserTerms":
        """Confirmed terms that are neither over nor ended."""
        lasts = Q(valid_to__gt=today) | Q(ends_at__gt=moment)
        return self.filter(lasts, state=GrantState.CONFIRMED, ended_at=None).exclude(op=SuperuserOp.END)


class SuperuserTerm(models.Model):
    """That somebody is a superuser until before `valid_to`, proposed by one and confirmed by another; or taken in an emergency until `ends_at`.

    `system` names the way round the two (the shell's "break-glass"); otherwise neither of the two is the one whose rights they are, but
    that somebody may ask for their own renewal or ending.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="superuser_terms", verbose_name=_("user"))
    op = models.CharField(max_length=5, choices=SuperuserOp)
    valid_to = models.DateField(_("ends on"), null=True)
    ends_at = models.DateTimeField(null=True)
    reason = models.CharField(_("reason"), max_length=300)
    system = models.CharField(max_length=20, blank=True, default="")
    proposer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    proposed_at = models.DateTimeField(db_default=Now())
    state = models.CharField(_("state"), max_length=9, choices=GrantState, default=GrantState.PROPOSED)
    decider = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=300, blank=True, default="")
    ended_at = models.DateTimeField(null=True)

    objects = SuperuserTerms.as_manager()

    class Meta:
        verbose_name = _("superuser’s term")
        verbose_name_plural = _("superusers’ terms")
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(state=GrantState.PROPOSED), name="superuser_one_open"),
            models.CheckConstraint(condition=Q(valid_to=None) ^ Q(ends_at=None), name="superuser_term_ends"),
            models.CheckConstraint(
                condition=~Q(state=GrantState.CONFIRMED)
                | ~Q(system="")
                | Q(proposer__isnull=False, decider__isnull=False) & ~Q(decider=F("proposer")) & ~Q(decider=F("user")),
                name="superuser_by_two",
            ),
        ]


class NumberChange(models.Model):
    """That an account is of the person with this number ("": of nobody with a number any more), proposed by one superuser and confirmed by another.

    The number says whose certificate signs for the account, and whose file is its own: who alone may type it could sign as somebody else. The
    decider is never the one whose account it is.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="number_changes", verbose_name=_("user"))
    number = models.CharField(_("personal identification number"), max_length=12, blank=True)
    reason = models.CharField(_("reason"), max_length=300)
    proposer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(db_default=Now())
    state = models.CharField(_("state"), max_length=9, choices=GrantState, default=GrantState.PROPOSED)
    decider = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        verbose_name = _("change of a personal number")
        verbose_name_plural = _("changes of personal numbers")
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(state=GrantState.PROPOSED), name="number_change_one_open"),
            models.CheckConstraint(condition=Q(number="") | Q(number__regex=r"^[0-9]{12}$"), name="number_change_form"),
            models.CheckConstraint(
                condition=~Q(state=GrantState.CONFIRMED) | Q(decider__isnull=False) & ~Q(decider=F("proposer")) & ~Q(decider=F("user")),
                name="number_change_by_two",
            ),
        ]
