"""An agency's single sign-on by OpenID Connect, as far as allauth leaves it open: the answer is believed only when its signature,
issuer, audience, time and nonce are right (OpenID Connect Core 1.0, section 3.1.3.7), although it came from the provider directly.

The keys are fetched at each login, so a provider may change them at any time. Nobody comes in who is not an active account already.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import jwt
import requests
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.conf import settings

# No symmetric ones: a key that the provider publishes must never be taken for a shared secret.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LEEWAY_SECONDS = 60
REQUIRED = ("iss", "sub", "aud", "exp", "iat", "nonce")


class SignOnRefused(OAuth2Error):
    """The provider's answer is not to be believed; `code` says why, for the log and the audit trail. People read one sentence for all."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Identity:
    """Who somebody is at the provider: `subject` for ever, `claim` what the first visit is recognised by, `proved_at` the moment of proof."""

    subject: str
    claim: str
    proved_at: float


def discover() -> dict[str, Any]:
    """The provider's configuration. Raises SignOnRefused when it speaks for another issuer, requests' errors when it is away."""
    issuer = settings.ENVIRONMENT.oidc_issuer
    found = _fetched(issuer.rstrip("/") + "/.well-known/openid-configuration")
    if found.get("issuer") != issuer:
        raise SignOnRefused("ISSUER")
    if not all(isinstance(found.get(name), str) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")):
        raise SignOnRefused("CONFIGURATION")
    return found


def identity(id_token: str, *, keys_address: str, nonce: str) -> Identity:
    """Who the token is about. Raises SignOnRefused unless everything about it is right."""
    claims = _claims(id_token, _key(id_token, keys_address))
    if claims["nonce"] != nonce:
        raise SignOnRefused("NONCE")
    audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if claims.get("azp", settings.ENVIRONMENT.oidc_client_id) != settings.ENVIRONMENT.oidc_client_id or (len(audience) > 1 and "azp" not in claims):
        raise SignOnRefused("AUTHORIZED_PARTY")
    said = claims.get("auth_time", 0)  # the provider's clock may be a little ahead of ours
    return Identity(
        subject=f"{claims['iss']}#{claims['sub']}",
        claim=str(claims.get(settings.ENVIRONMENT.oidc_claim) or ""),
        proved_at=min(float(said), time.time()) if isinstance(said, int | float) else 0.0,
    )


def _claims(id_token: str, key: jwt.PyJWK) -> dict[str, Any]:
    environment = settings.ENVIRONMENT
    try:
        return jwt.decode(
            id_token,
            key=key,
            algorithms=[key.algorithm_name],
            issuer=environment.oidc_issuer,
            audience=environment.oidc_client_id,
            leeway=LEEWAY_SECONDS,
            options={"require": list(REQUIRED)},
        )
    except jwt.PyJWTError as error:
        raise SignOnRefused(type(error).__name__) from error


def _key(id_token: str, keys_address: str) -> jwt.PyJWK:
    """The published key by which the token says it is signed; the only one there is where neither has a name."""
    try:
        header = jwt.get_unverified_header(id_token)
        keys = [key for key in jwt.PyJWKSet.from_dict(_fetched(keys_address)).keys if key.public_key_use in (None, "sig")]
    except jwt.PyJWTError as error:
        raise SignOnRefused(type(error).__name__) from error
    named = [key for key in keys if key.key_id == header.get("kid")]
    if len(named) != 1 or header.get("alg") != named[0].algorithm_name or header.get("alg") not in ALGORITHMS:
        raise SignOnRefused("KEY")
    return named[0]


def _fetched(address: str) -> dict[str, Any]:
    with get_adapter().get_requests_session() as session:
        answer = session.get(address)
        answer.raise_for_status()
        found = answer.json()
    if not isinstance(found, dict):
        raise requests.exceptions.InvalidJSONError(address)
    return found
