"""On the hub: people who pass to the sending agency with this batch. Their files leave another agency's units, which the batch may touch for
that alone; where they end is judged here, before the gate, since the gate's list of units cannot tell one record from another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from exchange.choices import TransferState
from exchange.contract import PROFILE_KIND, ItemCode
from exchange.models import Agency, TransferCase, TransferStep
from exchange.services.verification import Checked, Refusal, agency_units
from orgtree.models import OrgUnit
from registry.models import StaffProfile
from workflows.services.audit import audit
from workflows.targets import target

Passing = Mapping[UUID, TransferCase]


def passing_lock(*, agency: Agency, keys: Iterable[UUID]) -> Passing:
    """The cases by which `agency` is taking over any of these people, locked: nobody gives one back while it is being completed."""
    cases = TransferCase.objects.filter(key__in=list(keys), to_agency=agency, state=TransferState.TAKEN).select_related("from_agency", "to_agency")
    return {one.key: one for one in cases.select_for_update(of=("self",)).order_by("pk")}


def units_touched(*, agency: Agency, passing: Passing) -> QuerySet[OrgUnit]:
    """The agency's own units, and those that the people who pass are leaving."""
    if not passing:
        return agency_units(agency)
    left = StaffProfile.objects.filter(pk__in=list(passing)).order_by().values("using_unit")
    return OrgUnit.objects.filter(Q(pk__in=agency_units(agency).order_by().values("pk")) | Q(pk__in=left))


def strayed_refusals(*, agency: Agency, passing: Passing, fresh: Mapping[int, Checked]) -> dict[int, Refusal]:
    """Refusals, by index, of records that would end in a unit which is only there to be left."""
    if not passing:
        return {}
    named = {index: target(one.item.kind).units_of(one.item.key, None, one.item.document) for index, one in fresh.items()}
    standing = set(OrgUnit.objects.filter(pk__in=set().union(*named.values())).order_by().values_list("pk", flat=True))
    own = set(agency_units(agency).filter(pk__in=standing).order_by().values_list("pk", flat=True))
    refusal = Refusal(ItemCode.WRONG_OWNER, _("The record names a unit of another agency."))
    return {index: refusal for index, units in named.items() if units & standing - own}


def passed_note(*, passing: Passing) -> None:
    """Write down which of the cases the database completed when the files passed."""
    if not passing:
        return
    done = TransferCase.objects.filter(pk__in=[one.pk for one in passing.values()], state=TransferState.COMPLETED).select_related(
        "to_agency", "from_agency"
    )
    for case in done:
        TransferStep.objects.create(case=case, agency=case.to_agency, state=TransferState.COMPLETED, what="completed")
        between: dict[str, Any] = {"from": case.from_agency.code, "to": case.to_agency.code}
        audit(actor=None, action="transfer.completed", kind=PROFILE_KIND, key=case.key, transfer=str(case.pk), **between)
