"""Straight to the other side's own API: docs/api/openapi.json below /api/v1, tokens at /o/token/."""

from __future__ import annotations

from dataclasses import replace

from exchange.choices import Transport
from exchange.contract import SCOPE
from exchange.transports.base import API, Ask, TokenCall, Way


class Direct(Way):
    name = Transport.DIRECT

    def place(self, ask: Ask) -> Ask:
        return replace(ask, url=f"{self.base}{API}{ask.url}")

    def token(self) -> TokenCall:
        return TokenCall(f"{self.base}/o/token/", {"grant_type": "client_credentials", "scope": SCOPE})
