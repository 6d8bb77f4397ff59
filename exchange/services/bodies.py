"""On the hub: the list of the bodies that have to send, as its administrators keep it.

Each act appends how the body stands from a day on, all of it, so that the boards of earlier days stay as they were; the body's own row is what it
comes to now. Nothing is deleted: an addition that is taken back leaves a body that stands off the list.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from exchange.choices import BodyKind, Standing
from exchange.models import BodyStanding, ExpectedBody
from exchange.selectors.bodies import acts_standing
from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import User
from orgtree.text import AgencyCodeInvalid, normalise, parse_agency_code
from workflows.errors import NotAllowed
from workflows.services.audit import audit

CARRIED = ("name", "code", "position", "standing", "reason", "source")  # what the next standing has of the one before, unless it says otherwise
LAST_PLACE = 9_999
LONGEST_NAME = 250


def body_add(*, actor: User | None, kind: str, name: str, day: date, code: str = "", source: str = "") -> ExpectedBody:
    """Put a body on the list, counted from `day` on, behind those of its kind (actor None: from a shell on the server).

    One that was taken off comes back. Raises NotAllowed for all but superusers, ValidationError naming the field.
    """
    _administrators_only(actor)
    values = _checked(name=name, code=code, day=day)
    if kind not in BodyKind:
        raise ValidationError({"kind": _("Choose a province or a central body.")})
    with transaction.atomic():
        body = ExpectedBody.objects.select_for_update().filter(name=values["name"]).first()
        if body is not None and _newest(body).standing != Standing.OFF:
            raise ValidationError({"name": _("This body stands on the list already.")})
        last = ExpectedBody.objects.filter(kind=kind).order_by("-position").values_list("position", flat=True).first() or 0
        values |= {"position": min(last + 1, LAST_PLACE), "standing": Standing.COUNTED, "source": _shortened(source)}
        if body is not None:
            _after(_newest(body), day)
        made = body or ExpectedBody(name=values["name"])
        made.kind = kind
        _stand(actor=actor, action="body.added", body=made, day=day, values=values)
    return made


def body_change(*, actor: User | None, seen: BodyStanding, day: date, name: str, code: str, position: int, source: str = "") -> BodyStanding:
    """Another name, identifier or place in the order, from `day` on; `seen` is the standing that the actor saw.

    Raises NotAllowed, ValidationError naming the field, or when somebody else changed the body meanwhile.
    """
    _administrators_only(actor)
    values = _checked(name=name, code=code, day=day)
    if not 0 <= position <= LAST_PLACE:
        raise ValidationError({"position": _("Give a place from 0 to %s.") % LAST_PLACE})
    values |= {"position": position}
    if all(getattr(seen, name) == value for name, value in values.items()):
        raise ValidationError(_("Nothing is different from what stands on the list."))
    if source.strip() and seen.standing == Standing.COUNTED:  # that of a body that is not counted says why it is not
        values["source"] = _shortened(source)
    return _moved(actor=actor, action="body.changed", seen=seen, day=day, values=values)


def body_counted(*, actor: User | None, seen: BodyStanding, counted: bool, day: date, reason: str, source: str) -> BodyStanding:
    """From `day` on the body is counted, or is not, with the reason and where that is written. Raises as `body_change`."""
    _administrators_only(actor)
    problems = {} if reason.strip() else {"reason": _("Say in a sentence why; it is kept.")}
    if not source.strip():
        problems["source"] = _("Say where that is written, for example the number of the dispatch.")
    if problems:
        raise ValidationError(problems)
    wanted = Standing.COUNTED if counted else Standing.NOT_COUNTED
    if seen.standing == wanted:
        raise ValidationError(_("Nothing is different from what stands on the list."))
    values = {"standing": wanted, "reason": " ".join(reason.split())[:300], "source": _shortened(source)}
    return _moved(actor=actor, action=f"body.{wanted}", seen=seen, day=day, values=values)


def standing_undo(*, actor: User | None, seen: BodyStanding) -> BodyStanding:
    """Take back the newest act that still holds: from its day on the body stands as before; one that was only added stands off the list.

    Raises NotAllowed, ValidationError when there is nothing to take back, or when reports stand under an addition.
    """
    _administrators_only(actor)
    with transaction.atomic():
        body = _held(seen)
        acts = acts_standing(body)
        if not acts:
            raise ValidationError(_("There is nothing to take back."))
        undone, before = acts[-1], acts[-2] if len(acts) > 1 else None
        if before is None and body.expectations.exists():
            raise ValidationError(_("Reports are written down for this body, so it stays on the list. Say that it is not counted instead."))
        values = {name: getattr(before or undone, name) for name in CARRIED} | ({} if before else {"standing": Standing.OFF, "code": ""})
        return _stand(actor=actor, action="body.undone", body=body, day=undone.day, values=values, undoes=undone)


def _moved(*, actor: User | None, action: str, seen: BodyStanding, day: date, values: dict[str, Any]) -> BodyStanding:
    with transaction.atomic():
        body = _held(seen)
        if seen.standing == Standing.OFF:
            raise ValidationError(_("This body was taken off the list: add it again."))
        _after(seen, day)
        return _stand(actor=actor, action=action, body=body, day=day, values={name: getattr(seen, name) for name in CARRIED} | values)


def _stand(
    *, actor: User | None, action: str, body: ExpectedBody, day: date, values: dict[str, Any], undoes: BodyStanding | None = None
) -> BodyStanding:
    """Write the standing, and on the body's own row what it comes to."""
    if day > clock.today():
        raise ValidationError({"day": _("The day lies in the future.")})
    body.name, body.code, body.position = values["name"], values["code"] or None, values["position"]
    try:
        with transaction.atomic():
            body.save()
    except IntegrityError as error:
        raise ValidationError(_("Another body of the list has this name or this identifier.")) from error
    made = BodyStanding.objects.create(body=body, day=day, undoes=undoes, actor=actor, **values)
    audit(actor=actor, action=action, body=body.pk, entry=made.pk, day=day.isoformat(), undoes=undoes.pk if undoes else None, **values)
    return made


def _checked(*, name: str, code: str, day: date) -> dict[str, Any]:
    problems = {}
    name = normalise(name)
    if not 0 < len(name) <= LONGEST_NAME:
        problems["name"] = _("Give the name of the body.")
    if code := code.strip():
        try:
            code = parse_agency_code(code)
        except AgencyCodeInvalid:
            problems["code"] = _("This is no agency identifier: it looks like H15, G09 or 000.00.15.H15.")
    if day > clock.today():
        problems["day"] = _("The day lies in the future.")
    if problems:
        raise ValidationError(problems)
    return {"name": name, "code": code}


def _held(seen: BodyStanding) -> ExpectedBody:
    """The body under lock, as long as `seen` is what holds of it."""
    body = ExpectedBody.objects.select_for_update().get(pk=seen.body_id)
    if _newest(body) != seen:
        raise ValidationError(_("Somebody changed this body meanwhile. Look at it again."))
    return body


def _newest(body: ExpectedBody) -> BodyStanding:
    return body.standings.all()[0]


def _after(newest: BodyStanding, day: date) -> None:
    """History goes one way: what begins before the newest act would be covered by it."""
    if day < newest.day:
        told = newest.day.strftime("%d/%m/%Y")
        raise ValidationError({"day": _("What stands on the list holds since %s: a change begins on that day or later.") % told})


def _shortened(source: str) -> str:
    return " ".join(source.split())[:200]


def _administrators_only(actor: User | None) -> None:
    if actor is not None and not scope.can(actor, Action.OPERATE, None):
        raise NotAllowed
