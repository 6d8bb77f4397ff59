"""People who log in. What they may do where is a matter of grants (models/grants.py), not of Django's permissions."""

from django.contrib.auth.models import AbstractUser
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """`personal_number` binds a signature to the person who made it, or a certificate registered for them (workflows.services.signing)."""

    personal_number = models.CharField(
        _("personal identification number"),
        max_length=12,
        unique=True,
        null=True,
        blank=True,
        validators=[RegexValidator(r"\A[0-9]{12}\Z", _("A personal identification number has 12 digits."))],
        help_text=_("12 digits, as in the subject of the person's certificate."),
    )

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.CheckConstraint(condition=models.Q(personal_number__regex=r"^[0-9]{12}$"), name="user_personal_number_form"),
        ]

    @property
    def display_name(self) -> str:
        """The name in Vietnamese order (family and middle names, given name), else the login."""
        return f"{self.last_name} {self.first_name}".strip() or self.username

    def get_full_name(self) -> str:
        return self.display_name

    def __str__(self) -> str:
        return self.display_name
