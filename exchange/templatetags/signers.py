"""Whose a signature is, for pages: the name in the certificate and no citizen number."""

from __future__ import annotations

from django import template

from exchange.selectors.names import signer_name

register = template.Library()
register.filter("signer_name", signer_name)
