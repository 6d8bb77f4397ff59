"""The one place that reads the process environment.

Every variable of the program is a field of `Environment`, with its type, default and meaning; `docs/configuration.md`
lists the same fields and a test compares the two. Nothing else in the program looks at `os.environ`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


class EnvironmentInvalid(Exception):
    """One or more variables are missing or malformed; the message names each one and what it should be."""


def _variable(meaning: str, *, default: Any = MISSING) -> Any:
    return field(metadata={"meaning": meaning}) if default is MISSING else field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True, kw_only=True)
class Environment:
    database_url: str = _variable("PostgreSQL 16 or newer, as postgresql://user:password@host:port/name")
    redis_url: str = _variable("Redis or Valkey, as redis://host:port/number; a number of its own for each role")
    secret_key: str = _variable("Django's signing secret; at least 50 random characters in production")
    hoso_role: str = _variable("agency, or hub for the national side", default="agency")
    hoso_authority: str = _variable("agency identifier of this installation (Decision 20/2020/QĐ-TTg), for example H15", default="H15")
    debug: bool = _variable("1 shows errors in the browser; never in production", default=False)
    allowed_hosts: tuple[str, ...] = _variable("host names served, separated by commas", default=("127.0.0.1", "localhost"))
    csrf_trusted_origins: tuple[str, ...] = _variable("origins (https://...) allowed to post forms, separated by commas", default=())
    secret_key_old: tuple[str, ...] = _variable("secrets used before SECRET_KEY, newest first: what they protect stays readable", default=())
    second_factor: str = _variable(
        "required or optional for supervisors and administrators; empty means required, and optional only with INSECURE_HTTP", default=""
    )
    idle_minutes: int = _variable("minutes without a sign of life after which somebody is logged out", default=30)
    session_hours: int = _variable("hours after a login at which one logs in anew, whatever one did meanwhile", default=12)
    break_glass_hours: int = _variable("hours for which a superuser's rights last that the shell gave and nobody confirmed", default=72)
    step_up_minutes: int = _variable("how long ago somebody may have proved who they are when they sign or give rights", default=15)
    oidc_issuer: str = _variable("issuer of the agency's single sign-on (OpenID Connect), as https://...; empty: none", default="")
    oidc_client_id: str = _variable("name of this installation at the single sign-on", default="")
    oidc_client_secret: str = _variable("its secret there", default="")
    oidc_name: str = _variable("what the button on the login page calls the single sign-on", default="SSO")
    oidc_claim: str = _variable("claim that says who somebody is when they come for the first time", default="preferred_username")
    oidc_field: str = _variable("what the claim is compared with: username or personal_number", default="username")
    insecure_http: bool = _variable("1 allows plain http on this machine: cookies without Secure, no HSTS", default=False)
    trust_directory: Path = _variable("folder with the trust anchors (*.pem) and revocation lists (*.crl) for signatures", default=Path("var/trust"))
    tsa_url: str = _variable("address of a time-stamping authority (RFC 3161) for signatures, as http(s)://...; empty: none", default="")
    ocsp_responders: tuple[str, ...] = _variable(
        "addresses (http:// or https://) of the OCSP responders that are asked about signers' certificates, separated by commas; empty: none",
        default=(),
    )
    witness_file: Path | None = _variable(
        "file on another volume to which the newest seals are added, as an outside witness; empty: none", default=None
    )
    witness_channel: str = _variable("code of the channel whose hub is told the newest seals, as an outside witness; empty: none", default="")
    hoso_channel_secrets: tuple[str, ...] = _variable("client secret of each channel, as code=secret, separated by commas", default=())
    hoso_channel_certificates: tuple[str, ...] = _variable(
        "client certificate of each channel that shows one (mTLS), as code=file.pem or code=certificate.pem:key.pem, separated by commas", default=()
    )
    hoso_channel_authorities: tuple[str, ...] = _variable(
        "authority that a channel trusts instead of the machine's, as code=file.pem, separated by commas", default=()
    )
    archive_months: int = _variable("whole months for which the exchange archive is kept; 0 keeps it for ever", default=120)
    var_directory: Path = _variable("folder for uploads and other files kept outside the web root", default=Path("var"))
    upload_max_mb: int = _variable("largest workbook accepted, in MB", default=50)
    evidence_max_mb: int = _variable("largest scanned decision accepted as evidence, in MB", default=20)
    paper_directory: Path | None = _variable("folder with the agency's own printed forms, and fonts/ for them; see operators.md", default=None)
    read_log_months: int = _variable("whole months for which the read log is kept; 0 keeps it for ever", default=120)
    audit_months: int = _variable("whole months for which the audit trail is kept, at least those of the read log; 0 keeps it for ever", default=0)
    match_again_days: int = _variable("days after which a matched person is compared with the population database again; 0: on change", default=180)
    match_open_again_days: int = _variable("days after which somebody who does not match is compared again without a change", default=7)
    match_dispute_days: int = _variable("working days in which a dispute with the police about a match should be settled", default=10)
    party_policy_file: Path | None = _variable("table of the fields that cross to and from the Party database; empty: ours", default=None)
    grant_max_months: int = _variable("longest grant of a role, in months; every grant ends and can be renewed", default=24)
    webhook_hosts: tuple[str, ...] = _variable(
        "hosts (name:port) on networks of the State to which webhooks may go though their addresses are private, separated by commas", default=()
    )
    transfer_days: int = _variable("working days within which a transfer between agencies is to be taken over (hub)", default=10)
    transfer_lapse_days: int = _variable("working days after which an offer that nobody took up lapses (hub)", default=30)
    central_bodies: int = _variable("how many central bodies the Ministry counts, without Public Security and Defence (hub); 0: not told", default=28)
    log_level: str = _variable("DEBUG, INFO, WARNING or ERROR", default="INFO")
    email_url: str = _variable("smtp://user:password@host:port, or console:// to print messages", default="console://")
    email_from: str = _variable("sender of the notices sent by e-mail", default="ho-so@localhost")
    public_url: str = _variable("address at which people open the program, for links in e-mails, for example https://hoso.daklak.gov.vn", default="")
    hoso_today: str = _variable("pins the day (YYYY-MM-DD) for demonstrations and tests; empty in production", default="")

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> Environment:
        """Parse the variables; raises EnvironmentInvalid naming everything that is wrong, not only the first."""
        values: dict[str, Any] = {}
        problems: list[str] = []
        for item in fields(cls):
            name, text = item.name.upper(), variables.get(item.name.upper(), "")
            if not text:
                if item.default is MISSING:
                    problems.append(f"{name} is not set: {item.metadata['meaning']}")
                continue
            try:
                values[item.name] = _PARSERS[str(item.type)](text)
            except ValueError as error:
                problems.append(f"{name}: {error}")
        problems += _contradictions(values)
        if problems:
            raise EnvironmentInvalid("; ".join(problems))
        return cls(**values)

    def database(self) -> dict[str, Any]:
        """DATABASE_URL as Django's DATABASES entry; query parameters become connection options."""
        url = urlsplit(self.database_url)
        options: dict[str, Any] = dict(parse_qsl(url.query))
        host = options.pop("host", None) or unquote(url.hostname or "")
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(url.path.lstrip("/")),
            "USER": unquote(url.username or ""),
            "PASSWORD": unquote(url.password or ""),
            "HOST": host,
            "PORT": str(url.port or options.pop("port", "")),
            "OPTIONS": options,
        }

    def email(self) -> dict[str, Any]:
        """EMAIL_URL as Django's EMAIL_* settings; port 465 means TLS from the first byte, any other STARTTLS when there is a password."""
        url = urlsplit(self.email_url)
        if url.scheme == "console":
            return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
        return {
            "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "EMAIL_HOST": url.hostname or "",
            "EMAIL_PORT": url.port or 25,
            "EMAIL_HOST_USER": unquote(url.username or ""),
            "EMAIL_HOST_PASSWORD": unquote(url.password or ""),
            "EMAIL_USE_SSL": url.port == 465,
            "EMAIL_USE_TLS": bool(url.password) and url.port != 465,
        }


def _contradictions(values: Mapping[str, Any]) -> Iterator[str]:
    """What is of the right type and still cannot be."""
    yield from _contradictions_of_addresses(values)
    yield from _contradictions_of_channels(values)
    if values.get("hoso_role", "agency") not in ("agency", "hub"):
        yield "HOSO_ROLE must be agency or hub"
    if values.get("second_factor", "") not in ("", "required", "optional"):
        yield "SECOND_FACTOR must be required or optional"
    for name, least, most in (("step_up_minutes", 1, 720), ("idle_minutes", 5, 720), ("session_hours", 1, 72), ("break_glass_hours", 1, 168)):
        if not least <= values.get(name, least) <= most:
            yield f"{name.upper()} must be between {least} and {most}"
    yield from _contradictions_of_single_sign_on(values)
    if 0 < values.get("read_log_months", 0) < 12:
        yield "READ_LOG_MONTHS must be 0 (for ever) or at least 12"
    if (kept := values.get("audit_months", 0)) and not max(24, values.get("read_log_months", 120) or kept + 1) <= kept:
        yield "AUDIT_MONTHS must be 0 (for ever), or at least 24 and not less than READ_LOG_MONTHS"
    if values.get("match_again_days", 0) < 0 or values.get("match_open_again_days", 1) < 1 or values.get("match_dispute_days", 1) < 1:
        yield "MATCH_AGAIN_DAYS must be 0 or more, MATCH_OPEN_AGAIN_DAYS and MATCH_DISPUTE_DAYS at least 1"
    if values.get("evidence_max_mb", 1) < 1:
        yield "EVIDENCE_MAX_MB must be at least 1"
    if values.get("grant_max_months", 1) < 1:
        yield "GRANT_MAX_MONTHS must be at least 1"
    if values.get("log_level", "INFO") not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        yield "LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR"
    try:
        date.fromisoformat(values.get("hoso_today", "2000-01-01"))
    except ValueError:
        yield "HOSO_TODAY must be a day as YYYY-MM-DD"


def _contradictions_of_channels(values: Mapping[str, Any]) -> Iterator[str]:
    for name, what in (("hoso_channel_secrets", "secret"), ("hoso_channel_certificates", "file"), ("hoso_channel_authorities", "file")):
        if any("=" not in pair for pair in values.get(name, ())):
            yield f"{name.upper()} must be code={what}, separated by commas"
    if 0 < values.get("archive_months", 0) < 12:
        yield "ARCHIVE_MONTHS must be 0 (for ever) or at least 12"


def _contradictions_of_addresses(values: Mapping[str, Any]) -> Iterator[str]:
    if not values.get("database_url", "postgresql://").startswith(("postgresql://", "postgres://")):
        yield "DATABASE_URL must begin with postgresql://"
    if not values.get("redis_url", "redis://").startswith(("redis://", "rediss://")):
        yield "REDIS_URL must begin with redis:// or rediss://"
    if not values.get("email_url", "console://").startswith(("console://", "smtp://")):
        yield "EMAIL_URL must begin with smtp:// or console://"
    if values.get("tsa_url") and not values["tsa_url"].startswith(("https://", "http://")):
        yield "TSA_URL must begin with https:// or http://"
    if any(not one.startswith(("https://", "http://")) for one in values.get("ocsp_responders", ())):
        yield "OCSP_RESPONDERS must be addresses that begin with http:// or https://, separated by commas"
    if not values.get("public_url", "https://").startswith(("https://", "http://")):
        yield "PUBLIC_URL must begin with https:// or http://"


def _contradictions_of_single_sign_on(values: Mapping[str, Any]) -> Iterator[str]:
    issuer, local = values.get("oidc_issuer", ""), ("http://127.0.0.1:", "http://localhost:")
    if issuer and not issuer.startswith(("https://", *(local if values.get("insecure_http") else ()))):
        yield "OIDC_ISSUER must begin with https://"
    if issuer and not (values.get("oidc_client_id") and values.get("oidc_client_secret")):
        yield "OIDC_ISSUER needs OIDC_CLIENT_ID and OIDC_CLIENT_SECRET"
    if values.get("oidc_field", "username") not in ("username", "personal_number"):
        yield "OIDC_FIELD must be username or personal_number"


def _boolean(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise ValueError(f"{text!r} is neither 1 nor 0")


_PARSERS = {
    "str": str,
    "bool": _boolean,
    "int": int,
    "Path": Path,
    "Path | None": Path,
    "tuple[str, ...]": lambda text: tuple(part.strip() for part in text.split(",") if part.strip()),
}
