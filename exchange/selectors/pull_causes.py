"""Why a record of the other side's cannot be taken over, and what to do about it; why the whole could not be fetched."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from exchange.selectors.causes import Remedy
from workflows.selectors.findings import finding_lines
from workflows.targets import Target

_TELL = _("Nothing of it was kept. Tell the operator of the national platform, and ask again once it is mended.")
_AGAIN = _("Ask once more; then it is compared as it stands now.")
REMEDIES: dict[str, Remedy] = {
    "ON_THE_WAY": Remedy(_("Ours is still on its way there"), _("Wait until it was delivered, then ask again.")),
    "WAITING": Remedy(_("It waits in a request already"), _("Open that request; it is not put into a second one.")),
    "UNKNOWN_UNIT": Remedy(
        _("It names units that do not stand here"), _("Fetch the units first and have them approved; then ask for the people again.")
    ),
    "EQUAL_NOW": Remedy(_("It has become equal meanwhile"), _("Nothing is to be done.")),
    "CHANGED_HERE": Remedy(_("It was changed here meanwhile"), _AGAIN),
    "STALE_BASE": Remedy(_("It was changed here meanwhile"), _AGAIN),
    "NOT_HELD": Remedy(_("The national platform does not hold it any more"), _AGAIN),
    "NOT_PROVED": Remedy(_("Nothing was told that proves it"), _TELL),
    "SCHEMA_UNKNOWN": Remedy(_("It has a form that this program does not know"), _("Update this program, then ask again.")),
    "DOCUMENT_INVALID": Remedy(_("It is incomplete or has a wrong form"), _TELL),
    "OTHER_DIGEST": Remedy(_("It is another document than the one that was named"), _TELL),
    "MANIFEST_MISSING": Remedy(_("The signed statement did not come along"), _TELL),
    "MANIFEST_INVALID": Remedy(_("The signed statement is not this agency’s, or not understood"), _TELL),
    "SIGNATURES_MISSING": Remedy(_("The signatures under a seal are not whole"), _TELL),
    "SIGNATURE_REFUSED": Remedy(
        _("The signature under it does not count"),
        _("See whether the certification authority and its revocation lists are installed on this server, then ask again."),
    ),
    "PROOF_INVALID": Remedy(_("It is not what this agency’s people signed"), _TELL),
    "OUT_OF_SCOPE": Remedy(_("It lies outside your units"), _("Somebody who may change records there takes it over.")),
}
LINE: dict[str, Remedy] = {
    "BULK_HOURS": Remedy(
        _("It waits for the hours in which the line carries large amounts"), _("It goes on by itself; “Deliveries” says when those hours are.")
    ),
    "NOT_FOUND": Remedy(
        _("The national platform does not know this unit"), _("It was never delivered, or was founded otherwise. Ask for the whole agency instead.")
    ),
    "TOO_MANY": Remedy(_("The national platform tells no more today, or this minute"), _("It goes on by itself when it may.")),
    "PAGE_INVALID": Remedy(_("The national platform’s answer does not fit together"), _TELL),
}
DOWN = Remedy(_("The national platform could not be reached"), _("It goes on by itself from where it stands. “Deliveries” says how the line stands."))
MEND = Remedy(_("The line to the national platform does not work"), _("Try the line under “Deliveries”; once it is mended, go on from here."))


def line_remedy(code: str, *, given_up: bool) -> Remedy:
    """Of a run that could not go on."""
    return LINE.get(code, MEND if given_up else DOWN)


def cause_words(one: Target, *, cause: str, field: str, value: str) -> tuple[str, str]:
    """(what is wrong, what to do about it): our own causes, or the gate's finding as a mere reader sees it."""
    if cause in REMEDIES:
        remedy = REMEDIES[cause]
        named = f"{remedy.title}: {value}" if cause == "UNKNOWN_UNIT" and value else str(remedy.title)
        return named, str(remedy.advice)
    (line,) = finding_lines(one, [{"code": cause, "severity": "error", "field": field, "value": value}], masked=True)
    return f"{line.label}: {line.message}" if line.label else line.message, line.repair
