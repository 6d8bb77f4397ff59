"""Time-stamps of signatures: which are wanting, and keeping one that holds. Who fetches them is exchange's."""

from __future__ import annotations

from django.conf import settings
from django.db.models import QuerySet

from orgtree import clock
from workflows.models import Signature, Timestamp
from workflows.timestamps import signature_value, stamp_token, verify_stamp
from workflows.trust import TrustStore


def signatures_unstamped() -> QuerySet[Signature]:
    """Signatures without a time-stamp, the oldest first."""
    return Signature.objects.filter(timestamp=None).order_by("received_at", "digest")


def timestamp_record(*, signature: Signature, request: bytes, response: bytes) -> Timestamp:
    """Keep the token of `response` (TimeStampResp, DER), the answer to `request`, if it holds over the signature's value.

    Raises StampRefused, and SignatureRefused for the authority's certificate. Recorded once, however often it is called.
    """
    token = stamp_token(request=request, response=response)
    trust = TrustStore.load(settings.TRUST_DIRECTORY)
    moment = verify_stamp(token=token, message=signature_value(bytes(signature.der)), trust=trust, near=clock.now())
    return Timestamp.objects.get_or_create(signature=signature, defaults={"token": token, "stamped_at": moment})[0]
