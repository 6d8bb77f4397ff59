"""At an agency: what people do about the hub's code lists. What is taken over enters the agency's own gate as one request."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from exchange.models import CatalogueChoice, CatalogueCode, CatalogueSource, CatalogueTaking
from exchange.selectors.catalogues import CodeStanding, CodeState, standings
from exchange.services.catalogue_notices import catalogues_silence
from orgtree.models import User
from registry.selectors.code_lists import code_authority
from workflows.errors import GateError, NotAllowed
from workflows.services.audit import audit
from workflows.services.staging import Proposal, Staged, request_stage


class NothingToTake(GateError):
    """Every code is as the hub has it, waits in a request, or stays ours by decision."""

    code = "NOTHING_TO_TAKE"


class ChoiceUnneeded(GateError):
    """The code contradicts nothing that stands here, or no longer."""

    code = "CHOICE_UNNEEDED"


def code_choose(*, actor: User, code: CatalogueCode, choice: str, reason: str = "") -> None:
    """Decide about a published version that contradicts what stands here: take it with the next request, or keep ours.

    It can be decided anew until it is taken. Keeping needs a sentence why. Raises NotAllowed, ChoiceUnneeded, GateError without a reason.
    """
    if code_authority(actor) is None:
        raise NotAllowed
    if choice not in CatalogueChoice.Choice.values:
        raise GateError(_("Choose whether the national code is taken or yours stays."))
    wanted, reason = CatalogueChoice.Choice(choice), " ".join(reason.split())[:300]
    if wanted == CatalogueChoice.Choice.KEEP and not reason:
        raise GateError(_("Say in a sentence why ours stays; it is kept."))
    with transaction.atomic():
        one = next((one for one in standings(code.source, names=[code.catalogue]) if one.published.pk == code.pk), None)
        if one is None or one.state not in (CodeState.CLASH, CodeState.KEPT):
            raise ChoiceUnneeded(_("There is nothing to choose about this code any more. Look again how it stands."))
        CatalogueChoice.objects.update_or_create(code=code, defaults={"choice": wanted, "reason": reason, "actor": actor})
        audit(actor=actor, action=f"catalogues.{wanted}", kind=code.kind, key=code.key, version=code.version, reason=reason)
        catalogues_silence()


def publisher_forget(*, actor: User, source: CatalogueSource) -> None:
    """Let the publisher be met anew: the next one that answers is believed by its signatures, in its own name. For superusers; raises NotAllowed."""
    if not actor.is_superuser:
        raise NotAllowed
    with transaction.atomic():
        CatalogueSource.objects.filter(pk=source.pk).update(authority="", error_code="", error_text="")
        audit(actor=actor, action="catalogues.publisher_forgotten", authority=source.authority)


def catalogues_propose(*, actor: User, source: CatalogueSource) -> Staged:
    """Bring everything that may be taken over into the gate, as one request of the actor's; codes with an open choice stay out.

    Findings are returned, never raised. Raises NotAllowed, NothingToTake.
    """
    unit = code_authority(actor)
    if unit is None:
        raise NotAllowed
    with transaction.atomic():
        CatalogueSource.objects.select_for_update().get(pk=source.pk)
        taken = dict(enumerate((one for one in standings(source) if one.takes), start=1))
        if not taken:
            raise NothingToTake(_("There is nothing to take over: what is new waits in a request already, or needs a choice first."))
        staged = request_stage(
            actor=actor,
            unit=unit,
            title=_("Code lists of {authority}").format(authority=source.authority),
            proposals=[_proposal(ref, one) for ref, one in taken.items()],
            evidence={"catalogues": source.authority, "manifests": sorted({bytes(one.published.manifest.digest).hex() for one in taken.values()})},
        )
        if staged.request is not None:
            left = {*staged.returned, *staged.unchanged}
            rows = [CatalogueTaking(code=one.published, request=staged.request) for ref, one in taken.items() if ref not in left]
            CatalogueTaking.objects.bulk_create(rows)
    return staged


def _proposal(ref: int, one: CodeStanding) -> Proposal:
    return Proposal(kind=one.published.kind, key=one.published.key, patch=one.patch, ref=ref)
