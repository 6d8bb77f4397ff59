"""Who sends a workbook from a shell, and for which unit: named as people write them, refused in words."""

from __future__ import annotations

from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from orgtree import clock
from orgtree.models import OrgUnit, User
from orgtree.text import AgencyCodeInvalid, parse_agency_code


def user_named(username: str) -> User:
    """Raises CommandError."""
    try:
        return User.objects.get(username=username, is_active=True)
    except User.DoesNotExist:
        raise CommandError(_("There is no active user {value}.").format(value=username)) from None


def unit_named(code: str) -> OrgUnit:
    """The unit of today with this code, in either form. Raises CommandError."""
    try:
        return OrgUnit.objects.on(clock.today()).get(code=parse_agency_code(code))
    except AgencyCodeInvalid:
        raise CommandError(_("{value} is not an agency identifier; write it as H15.70 or 70.H15.").format(value=code)) from None
    except OrgUnit.DoesNotExist:
        raise CommandError(_("No unit has the code {value}; look it up in the organisation tree.").format(value=code)) from None
    except OrgUnit.MultipleObjectsReturned:
        raise CommandError(_("Several authorities have a unit with the code {value}.").format(value=code)) from None
