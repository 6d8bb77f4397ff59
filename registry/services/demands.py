"""Making fields mandatory, or freeing them: an administrator's deed with a reason, in the audit trail."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from orgtree.models import User
from registry.fields import LIST_BY_NAME, label_of
from registry.models import FieldDemand
from registry.rules.demands import DEFAULTS, OPTIONAL, Demands, demands_with
from workflows.errors import NotAllowed
from workflows.services.audit import audit

REASON = (5, 300)
Asked = tuple[bool, bool]  # when a file is made, when it is sent


class DemandRefused(ValueError):
    """The demands stay as they were; the text says why and what to do."""


def demands_change(*, actor: User, seen: Demands, wanted: Mapping[str, Asked], reason: str) -> list[str]:
    """Set what is asked for, by name of field or list; returns the names whose demand has changed. What `wanted` does not name stays.

    `seen` is what the actor had before them. A demand like the catalogue's is no departure, and its row goes. All or nothing: raises
    NotAllowed for anybody but a superuser, DemandRefused for a missing reason, a field that is always mandatory or unknown, a list asked for
    when a file is made, and where somebody else has changed the demands since they were seen.
    """
    if not actor.is_superuser:
        raise NotAllowed
    reason = " ".join(reason.split())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("lock table registry_fielddemand in share row exclusive mode")
        now = demands_with(FieldDemand.objects.values_list("name", "at_draft", "at_sync"))
        if now != seen:
            raise DemandRefused(_("Somebody else has just changed what is mandatory. Look at it as it stands now, and change it again."))
        # What is asked for when a file is made is asked for when it is sent.
        whole = {name: (draft, sync or draft) for name, (draft, sync) in wanted.items()}
        changed = {name: asked for name, asked in whole.items() if asked != _asked(now, name)}
        _examine(changed, reason)
        for name, asked in changed.items():
            _keep(actor, name, asked, reason)
            audit(actor=actor, action="demand.changed", field=name, before=_told(_asked(now, name)), after=_told(asked), reason=reason)
    return list(changed)


def _examine(changed: Mapping[str, Asked], reason: str) -> None:
    for name, (draft, _sync) in changed.items():
        if name not in OPTIONAL and name not in LIST_BY_NAME:
            raise DemandRefused(_("“{field}” cannot be changed: no file is kept without it.").format(field=label_of(name)))
        if draft and name in LIST_BY_NAME:
            text = _("“{field}” is a list: a workbook has no place for it, so it can be asked for only when the file is sent.")
            raise DemandRefused(text.format(field=label_of(name)))
    if not changed:
        raise DemandRefused(_("Nothing was changed."))
    if not REASON[0] <= len(reason) <= REASON[1]:
        raise DemandRefused(_("Give the reason, for example the document that asks for it (5 to 300 characters)."))


def _keep(actor: User, name: str, asked: Asked, reason: str) -> None:
    if asked == _asked(DEFAULTS, name):
        FieldDemand.objects.filter(name=name).delete()
        return
    said = {"at_draft": asked[0], "at_sync": asked[1], "reason": reason, "changed_by": actor, "changed_at": Now()}
    FieldDemand.objects.update_or_create(name=name, defaults=said)


def _asked(asked: Demands, name: str) -> Asked:
    return name in asked.at_draft, name in asked.at_sync


def _told(asked: Asked) -> str:
    return "draft" if asked[0] else "sync" if asked[1] else "free"
