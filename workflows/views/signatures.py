"""A signature as a form sends it: from the signing agent (field `signature`, Base64), or as a file (field `file`)."""

from __future__ import annotations

import base64
import binascii

from django.http import HttpRequest

from workflows.cms import MAX_SIGNATURE_BYTES


def signature_sent(request: HttpRequest) -> bytes:
    """The signature's bytes; b"" when nothing readable was sent, which the gate refuses with its reason. PEM text is understood."""
    file = request.FILES.get("file")
    if file is None:
        return _base64(request.POST.get("signature", ""))
    body = file.read(MAX_SIGNATURE_BYTES + 1)  # one byte more than is allowed, so that the gate can say that it is too large
    if body.lstrip().startswith(b"-----BEGIN"):
        return _base64("".join(line for line in body.decode("ascii", "ignore").splitlines() if not line.startswith("-----")))
    return body


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
