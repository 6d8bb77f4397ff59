from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class InitialPassword(models.Model):
    """The password of `user` was set by somebody else, who knows it: until it is changed, nothing else is done with it."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="initial_password")
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    set_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("initial password")
        verbose_name_plural = _("initial passwords")
