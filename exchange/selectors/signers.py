"""On the hub: which certificates count as an agency's though they name none."""

from __future__ import annotations

from datetime import UTC

from django.db.models import QuerySet

from exchange.hub_contract import Named
from exchange.models import Agency, AgencySigner
from workflows.choices import GrantState
from workflows.cms import VerifiedSignature


def signers_in_force(agency: Agency) -> QuerySet[AgencySigner]:
    return AgencySigner.objects.filter(agency=agency, state=GrantState.CONFIRMED, ended_at=None)


def signer_named(agency: Agency, verified: VerifiedSignature) -> AgencySigner | None:
    """By which statement of the hub's operators the signature is the agency's, where its certificate names no agency itself."""
    if verified.organization_identifier is not None:
        return None
    return signers_in_force(agency).filter(fingerprint=verified.fingerprint).first()


def fingerprints_named(agency: Agency, verified: VerifiedSignature) -> tuple[str, ...]:
    """The same for `bind_to_agency`, where it is not kept which statement it was."""
    named = signer_named(agency, verified)
    return (named.fingerprint,) if named else ()


def signer_told(signer: AgencySigner) -> Named:
    """A statement that was confirmed, as whoever judges the signature elsewhere needs it."""
    assert signer.decider is not None
    assert signer.decided_at is not None
    return Named(
        agency=signer.agency.code,
        certificate=signer.fingerprint,
        said_by=signer.proposer.display_name,
        confirmed_by=signer.decider.display_name,
        confirmed_at=signer.decided_at.astimezone(UTC).replace(microsecond=0),
        source=signer.source,
    )
