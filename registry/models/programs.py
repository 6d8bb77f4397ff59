"""Other programs from which workbooks come, and which of them a unit's files with the same headings come from."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class SourceProgram(models.Model):
    """A program in which an agency kept its people before: what its files say by codes of its own is translated by pairs of codes.

    The pairs stand with those of every other side (`exchange.models.CodePair`), under `side`. A program that is no longer `active`
    is not offered for new workbooks; those that came from it still name it.
    """

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=100, unique=True)
    active = models.BooleanField(_("in use"), default=True, db_default=True)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    added_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("former program")
        verbose_name_plural = _("former programs")
        ordering = ["name"]
        default_permissions = ()

    def __str__(self) -> str:
        return self.name

    @property
    def side(self) -> str:
        """Its name among the other sides of which pairs are kept."""
        return f"upload.{self.code}"


class SenderProgram(models.Model):
    """The program that a unit's workbooks with one set of headings come from: the next one with these headings is not asked about."""

    unit = models.ForeignKey("orgtree.OrgUnit", models.PROTECT, related_name="+")
    signature = models.CharField(max_length=64)
    program = models.ForeignKey(SourceProgram, models.PROTECT, related_name="+")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["unit", "signature"], name="registry_senderprogram_once")]
