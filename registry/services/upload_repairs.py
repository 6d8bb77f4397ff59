"""Repairs by cause: one decision for hundreds of cells, shown before it is made, undone as easily, replayed on the sender's next file.

A repair changes no raw cell: it is put over them at every check, and taking it back is checking again without it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from django.db import transaction
from django.db.models import Count
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from orgtree.models import User
from registry.cleaning import Cause, Recipe, RecipeInvalid, Repair
from registry.models import SenderRecipe, Upload, UploadRepair
from workflows.documents import canonical
from workflows.errors import GateError

# Who somebody is: a recipe for these is offered again on the next file, and applied only when somebody has looked.
IDENTIFYING = frozenset({"citizen_id", "birth_name", "birth_date", "gender"})


class NothingToRepair(GateError):
    code = "NOTHING_TO_REPAIR"
    text = _("There is nothing left to repair in this group; the page may be old. Reload it.")


def recipe_agree(*, actor: User, upload: Upload, field: str, cause: str, op: str) -> list[int]:
    """Agree to the repair of a group of findings (`field` "": whatever the field); the recipe is kept for the unit's next file.

    Returns the rows to check again. Raises NothingToRepair when no finding of the group is left. Runs inside the caller's transaction.
    """
    found = upload.findings.filter(cause=cause, repair__op=op, **({"field": field} if field else {}))
    repairs: dict[str, Repair] = {}
    cells: dict[str, int] = {}
    for name, each, times in found.order_by().values_list("field", "repair").annotate(times=Count("pk")):
        one = Repair.from_json(each)
        repairs[name] = repairs[name].merged(one) if name in repairs else one
        cells[name] = cells.get(name, 0) + times
    if not repairs:
        raise NothingToRepair
    for name, repair in repairs.items():
        recipe = Recipe(name, Cause(cause), repair)
        UploadRepair.objects.create(upload=upload, recipe=recipe.to_json(), cells=cells[name], actor=actor)
        SenderRecipe.objects.get_or_create(unit=upload.unit, digest=_digest(recipe), defaults={"recipe": recipe.to_json(), "actor": actor})
    return sorted(set(found.values_list("sheet_row", flat=True)))


def recipe_take_back(*, upload: Upload, repair_id: int) -> UploadRepair:
    """Take a repair back, also for the files to come. Raises UploadRepair.DoesNotExist. Runs inside the caller's transaction."""
    one = UploadRepair.objects.select_for_update().get(pk=repair_id, upload=upload, undone_at=None)
    UploadRepair.objects.filter(pk=one.pk).update(undone_at=Now())
    SenderRecipe.objects.filter(unit=upload.unit, digest=_digest(Recipe.from_json(one.recipe))).delete()
    return one


def recipes_replay(*, upload: Upload) -> int:
    """Put the unit's recipes over a new file; those for who somebody is only where they lose and guess nothing. Returns how many."""
    if UploadRepair.objects.filter(upload=upload).exists():
        return 0
    replayed = []
    for one in SenderRecipe.objects.filter(unit=upload.unit).order_by("pk"):
        try:
            recipe = Recipe.from_json(one.recipe)
        except RecipeInvalid:
            continue  # of an older release; the group is offered anew
        if recipe.field not in IDENTIFYING or recipe.certain:
            replayed.append(UploadRepair(upload=upload, recipe=one.recipe, actor=one.actor, replayed=True))
    UploadRepair.objects.bulk_create(replayed)
    return len(replayed)


def repairs_count(*, upload: Upload, cells: Mapping[str, int]) -> None:
    """Note how many cells the replayed repairs changed; one that found nothing to do is no longer shown."""
    with transaction.atomic():
        for one in UploadRepair.objects.filter(upload=upload, replayed=True, undone_at=None):
            UploadRepair.objects.filter(pk=one.pk).update(cells=cells.get(one.recipe["field"], 0))


def _digest(recipe: Recipe) -> str:
    return hashlib.sha256(canonical(recipe.to_json())).hexdigest()
