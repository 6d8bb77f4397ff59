"""Where a transfer stands, in one sentence, and what happens next and by whom, in another; for both agencies and for the hub."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exchange.choices import TRANSFER_ENDED, TRANSFER_OPEN, TransferState
from exchange.models import IncomingTransfer, OutgoingTransfer, TransferCase
from exchange.selectors.transfers import transfers_late
from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import User
from workflows.choices import OPEN_STATES, RequestState

PAGE = 50
STEPS = (gettext_lazy("Released"), gettext_lazy("Offered"), gettext_lazy("Taken up"), gettext_lazy("Taken over"))
REACHED = {TransferState.RELEASED: 1, TransferState.OFFERED: 2, TransferState.TAKEN: 3, TransferState.COMPLETED: 4}
LOOKS = {
    TransferState.COMPLETED: "hs-chip-good",
    TransferState.RELEASED: "hs-chip-busy",
    TransferState.OFFERED: "hs-chip-busy",
    TransferState.TAKEN: "hs-chip-busy",
}
ERRORS: dict[str, str | Promise] = {
    "NOT_HELD": gettext_lazy("The national platform has not got this version of the file yet. It is delivered first, then the offer goes by itself."),
    "UNREACHABLE": gettext_lazy("The national platform does not answer at the moment. It is tried again by itself; nothing is lost."),
    "NO_ANSWER": gettext_lazy("The national platform does not answer at the moment. It is tried again by itself; nothing is lost."),
    "UNSIGNED": gettext_lazy("Nobody signed this release digitally. Withdraw it, and have it approved with a signature."),
}


@dataclass(frozen=True)
class Story:
    """`now` and `next` are sentences; `steps` are (label, look) of the way; `trouble` is what went wrong with the last call."""

    label: str
    look: str
    now: str
    next: str
    late: bool
    steps: list[tuple[str, str]]
    trouble: str = ""


def release_story(one: OutgoingTransfer) -> Story:
    """For the old agency."""
    state, to = TransferState(one.state), one.release.to_agency_name
    free = _("The person stays yours and the file may change again.")
    anew = free + " " + _("You may offer them anew.")
    now, following = {
        TransferState.RELEASED: (
            _("The release is signed. It is on its way to the national platform."),
            _("Nothing for you to do: it is offered to %(to)s as soon as the platform has the file.") % {"to": to},
        ),
        TransferState.OFFERED: (
            _("Offered to %(to)s. Until they take it up the person stays yours, and the file stands still.") % {"to": to},
            _("%(to)s is to take the person over by %(due)s. You may withdraw the offer until then.") % {"to": to, "due": _on(one.due_on)},
        ),
        TransferState.TAKEN: (
            _("%(to)s has taken the offer up and prepares the person’s file there.") % {"to": to},
            _("The person is theirs as soon as their approver has signed. It can no longer be withdrawn here; only they can give it back."),
        ),
        TransferState.COMPLETED: (
            _("The person is with %(to)s now.") % {"to": to},
            _("The file stays here to be read; it no longer changes."),
        ),
        TransferState.REFUSED: (
            _("%(to)s refused.") % {"to": to},
            anew,
        ),
        TransferState.WITHDRAWN: (_("The offer was withdrawn."), free),
        TransferState.EXPIRED: (
            _("Nobody took the offer up in time."),
            anew,
        ),
    }[state]
    if one.wish and state in TRANSFER_OPEN:
        following = _("Your withdrawal is on its way to the national platform.")
    return Story(str(state.label), _look(state), now, following, _late(state, one.due_on), _steps(state), _trouble(one.error_code, one.error_text))


def arrival_story(one: IncomingTransfer) -> Story:
    """For the new agency."""
    state, frm = TransferState(one.state), one.from_name
    now, following = {
        TransferState.OFFERED: (
            _("%(frm)s lets this person go to you.") % {"frm": frm},
            _("Take the offer up, or refuse it with a reason. The person is to be taken over by %(due)s.") % {"due": _on(one.due_on)},
        ),
        TransferState.TAKEN: _taken_sentences(one),
        TransferState.COMPLETED: (
            _("The person is yours."),
            _("Their file goes on here; its earlier versions stay with %(frm)s.") % {"frm": frm},
        ),
        TransferState.REFUSED: (_("You refused."), _("Nothing more to do.")),
        TransferState.WITHDRAWN: (_("%(frm)s withdrew its offer.") % {"frm": frm}, _("Nothing more to do.")),
        TransferState.EXPIRED: (_("The offer lapsed: it was not taken up in time."), _("Ask %(frm)s to offer the person anew.") % {"frm": frm}),
    }[state]
    if one.wish and state in TRANSFER_OPEN:
        following = _("Your answer is on its way to the national platform. Reload the page in a moment.")
    return Story(str(state.label), _look(state), now, following, _late(state, one.due_on), _steps(state), _trouble(one.error_code, one.error_text))


def _taken_sentences(one: IncomingTransfer) -> tuple[str, str]:
    request = one.request
    if one.document is None:
        return _("You took the offer up."), _("The file is being fetched from the national platform, with what proves it.")
    if request is None or request.state not in (RequestState.READY, *OPEN_STATES, RequestState.APPLIED):
        return (
            _("You took the offer up; the file is here, and what %(frm)s signed holds.") % {"frm": one.from_name},
            _("Choose the unit and the post, and send it to your approver. Taken over by %(due)s at the latest.") % {"due": _on(one.due_on)},
        )
    if request.state == RequestState.APPLIED:
        return _("Your agency has taken the person over."), _("The file is on its way to the national platform, which completes the transfer.")
    number = {"number": request.number}
    if request.state == RequestState.READY:
        return _("Request no. %(number)s takes the person over.") % number, _("Submit it to your approver.")
    return _("Request no. %(number)s takes the person over.") % number, _("It waits for your approver’s decision and signature.")


def case_story(one: TransferCase) -> Story:
    """For the hub. Late is told to both agencies, and stands here until somebody acts."""
    state = TransferState(one.state)
    frm, to = one.from_agency.name, one.to_agency.name
    theirs = _("The person belongs to %(frm)s.") % {"frm": frm}
    now, following = {
        TransferState.OFFERED: (
            _("%(frm)s offers, %(to)s has not taken it up.") % {"frm": frm, "to": to},
            _("The person belongs to %(frm)s.") % {"frm": frm},
        ),
        TransferState.TAKEN: (
            _("%(to)s has taken it up and not accepted yet.") % {"to": to},
            _("The person belongs to %(frm)s until then.") % {"frm": frm},
        ),
        TransferState.COMPLETED: (_("The person passed to %(to)s.") % {"to": to}, _("Nothing more to do.")),
        TransferState.REFUSED: (_("%(to)s refused.") % {"to": to}, theirs),
        TransferState.WITHDRAWN: (_("%(frm)s withdrew its offer.") % {"frm": frm}, theirs),
        TransferState.EXPIRED: (_("Nobody took the offer up in time."), theirs),
    }[state]
    late = _late(state, one.due_on)
    if late:
        following += " " + _("Late since %(due)s: call %(to)s.") % {"due": _on(one.due_on), "to": to}
    return Story(str(state.label), _look(state), now, following, late, _steps(state))


def releases_seen(user: User) -> QuerySet[OutgoingTransfer]:
    """The releases of people of the reader's units, what is open first."""
    rows = OutgoingTransfer.objects.select_related("release__unit").order_by("-changed_at")
    return scope.scoped(rows, user, Action.VIEW, "release__unit")


def cases_listed(show: str) -> QuerySet[TransferCase]:
    """The hub's cases: open (the nearest day first), late, or ended."""
    cases = TransferCase.objects.select_related("from_agency", "to_agency")
    if show == "late":
        return cases.filter(pk__in=transfers_late().values("pk")).order_by("due_on", "pk")
    if show == "ended":
        return cases.filter(state__in=TRANSFER_ENDED).order_by("-ended_at", "pk")
    return cases.filter(state__in=TRANSFER_OPEN).order_by("due_on", "pk")


def _steps(state: TransferState) -> list[tuple[str, str]]:
    """The four steps as the page draws them; what ended otherwise stands at its end."""
    reached = REACHED.get(state)
    if reached is None:
        return [(str(STEPS[0]), "hs-done"), (str(STEPS[1]), "hs-done"), (str(state.label), "hs-stopped")]
    return [
        (str(label), "hs-done" if place < reached or reached == len(STEPS) else "hs-now" if place == reached else "")
        for place, label in enumerate(STEPS, 1)
    ]


def _look(state: TransferState) -> str:
    return LOOKS.get(state, "")


def _late(state: TransferState, due: date | None) -> bool:
    return state in TRANSFER_OPEN and due is not None and due < clock.today()


def _on(day: date | None) -> str:
    return date_format(day, "SHORT_DATE_FORMAT") if day else "–"


def _trouble(code: str, text: str) -> str:
    return str(ERRORS.get(code, text or code)) if code else ""
