"""Registered certificates: whose signatures count by them, and what a page shows of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q, QuerySet

from orgtree.models import User
from workflows.choices import CertificateState
from workflows.models import RegisteredCertificate, Signature


def fingerprints_of(user: User) -> set[str]:
    """The certificates by which `user` signs now: in force, and registered under the login that the account still has."""
    held = RegisteredCertificate.objects.filter(user=user, username=user.username, state=CertificateState.IN_FORCE)
    return set(held.values_list("fingerprint", flat=True))


def registration_of(signature: Signature) -> RegisteredCertificate | None:
    """The registration on which a signature rested when it was received; None where there was none."""
    lasted = Q(ended_at=None) | Q(ended_at__gt=signature.received_at)
    found = RegisteredCertificate.objects.filter(
        lasted, user=signature.user_id, fingerprint=signature.fingerprint, in_force_at__lte=signature.received_at
    )
    return found.order_by("in_force_at").first()


def is_somebodys(fingerprint: str) -> bool:
    """Whether the certificate is, or ever was, registered as a person's."""
    return RegisteredCertificate.objects.filter(fingerprint=fingerprint, in_force_at__isnull=False).exists()


def certificates_of(user: User, *, now: datetime) -> Sequence[RegisteredCertificate]:
    """All that was registered or waits, newest first; challenges only while they can be answered."""
    found = RegisteredCertificate.objects.filter(user=user).exclude(state=CertificateState.ASKED, expires_at__lte=now)
    return list(found.select_related("asked_by", "decider", "ended_by").order_by("-asked_at"))


def certificates_to_confirm(reader: User) -> QuerySet[RegisteredCertificate]:
    """What waits for `reader`: proved for somebody else at the asking of another administrator."""
    waiting = RegisteredCertificate.objects.filter(state=CertificateState.PROVED) if reader.is_superuser else RegisteredCertificate.objects.none()
    return waiting.exclude(asked_by=reader).exclude(user=reader).select_related("user", "asked_by").order_by("proved_at")
