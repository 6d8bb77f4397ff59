"""Why the hub's code lists could not be read, in words, and what to do about it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from exchange.selectors.causes import Remedy

_TELL = _("Nothing was changed here. Tell the operator of the national platform, and ask again once it is mended.")
REMEDIES: dict[str, Remedy] = {
    "OTHER_AUTHORITY": Remedy(
        _("Another publisher answered"),
        _("Check the address of the channel. If the publisher has another name now, an administrator accepts it here."),
    ),
    "DIGEST_DIFFERS": Remedy(_("A list does not come to the digest that was named for it"), _TELL),
    "CURSOR_STANDS_STILL": Remedy(_("The pages of a list do not end"), _TELL),
    "OTHER_CATALOGUE": Remedy(_("Something else was sent than what was asked for"), _TELL),
    "MANIFEST_INVALID": Remedy(_("The signed statement is not understood"), _TELL),
    "MANIFEST_MISSING": Remedy(_("The signed statement did not come along"), _TELL),
    "SIGNATURES_MISSING": Remedy(_("The signatures under a seal are not whole"), _TELL),
    "SIGNATURE_REFUSED": Remedy(
        _("A signature of the publisher was refused"),
        _("See whether the certification authority and its revocation lists are installed on this server, then ask again."),
    ),
    "DOCUMENT_INVALID": Remedy(_("A code is incomplete or has a wrong form"), _TELL),
    "PROOF_INVALID": Remedy(_("A code is not what was signed"), _TELL),
}
_NO_LISTS = Remedy(_("The national platform does not publish code lists"), _("Ask again when its operator says that it does."))
REMEDIES |= dict.fromkeys(("NOT_FOUND", "HTTP_404"), _NO_LISTS)
LINE = Remedy(_("The national platform could not be reached"), _("It is asked again every night. “Deliveries” says how the line stands."))


def catalogue_remedy(code: str) -> Remedy:
    return REMEDIES.get(code, LINE)
