"""What can be set about a channel's way to the other side: shapes, defaults and checks. Pure; `exchange.transports` does what they say.

Neither NDXP's headers and service codes at a provincial LGSP nor an Agent Node's message are published, so nothing of them is fixed here:
the defaults are our guesses ([?] in docs/exchange.md), and an agency writes into the channel what its data centre tells it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct, field

from exchange.choices import Transport
from exchange.contract import ErrorKind

Text = Annotated[str, Meta(max_length=500)]
HeaderName = Annotated[str, Meta(pattern="^[A-Za-z0-9-]{1,60}$")]
Path = Annotated[str, Meta(pattern=r"^/[A-Za-z0-9._~*/-]{0,200}$")]
Place = Annotated[str, Meta(pattern="^(/[A-Za-z0-9_-]{1,60}){1,6}$", description="Where in a JSON object, as /header/code")]

# What may stand in braces in a header or in a node's message.
PLACEHOLDERS = frozenset({"authority", "client", "receiver", "message", "time", "service", "method", "path", "query", "key", "body"})
PLACEHOLDER = re.compile(r"\{([a-z]+)(?::([A-Za-z0-9_-]+))?\}")

# Faults of a gateway built on WSO2 API Manager, by its documented codes (apim.docs.wso2.com, "Error handling"); many LGSPs are. A code of the
# 101xxx group is the gateway's own line to the other side: 101503 could not connect, 101504 and 101505 had connected already.
GATEWAY_FAULTS: Mapping[str, ErrorKind] = {
    "101500": ErrorKind.AMBIGUOUS,
    "101501": ErrorKind.AMBIGUOUS,
    "101503": ErrorKind.TRANSIENT,
    "101504": ErrorKind.AMBIGUOUS,
    "101505": ErrorKind.AMBIGUOUS,
    "101508": ErrorKind.AMBIGUOUS,
    "303001": ErrorKind.TRANSIENT,
    "700700": ErrorKind.CONFIG,
    "900800": ErrorKind.THROTTLED,
    "900801": ErrorKind.THROTTLED,
    "900802": ErrorKind.THROTTLED,
    "900803": ErrorKind.THROTTLED,
    "900804": ErrorKind.THROTTLED,
    "900805": ErrorKind.CONFIG,
    "900806": ErrorKind.THROTTLED,
    "900807": ErrorKind.THROTTLED,
    "900900": ErrorKind.TRANSIENT,
    "900901": ErrorKind.AUTH,
    "900902": ErrorKind.AUTH,
    "900905": ErrorKind.AUTH,
    "900906": ErrorKind.CONFIG,
    "900907": ErrorKind.CONFIG,
    "900908": ErrorKind.CONFIG,
    "900909": ErrorKind.CONFIG,
    "900910": ErrorKind.CONFIG,
}
# Of an Agent Node [?].
NODE_FAULTS: Mapping[str, ErrorKind] = {
    "BUSY": ErrorKind.THROTTLED,
    "UNREACHABLE": ErrorKind.TRANSIENT,
    "TIMEOUT": ErrorKind.AMBIGUOUS,
    "NOT_REGISTERED": ErrorKind.CONFIG,
    "SERVICE_UNKNOWN": ErrorKind.CONFIG,
    "FORBIDDEN": ErrorKind.AUTH,
    "MESSAGE_INVALID": ErrorKind.SCHEMA,
}


class NoOptions(Struct, forbid_unknown_fields=True):
    """A direct line has nothing to set."""


class CarriedOptions(Struct, forbid_unknown_fields=True):
    """Packages carried by hand. `hub` is the hub's agency identifier, as in the certificate that signs its receipts."""

    hub: Annotated[str, Meta(min_length=1, max_length=35)]


class LgspOptions(Struct, forbid_unknown_fields=True):
    """NDXP through a provincial LGSP: OAuth 2 client credentials at the gateway, its headers, its service codes, its faults.

    `services` maps our calls ("POST /profiles", "GET /batches/*") to the gateway's paths; `*` stands for one segment and is carried over in
    order, the first line that fits counts. A call without a line goes to `base` followed by our own path; an empty `base` refuses it.
    Placeholders in `headers`: {authority} our agency identifier, {client} the channel's client id, {receiver}, {message} a number of the call's own
    (the same when it is repeated), {time} in UTC, {secret:NAME} what HOSO_CHANNEL_SECRETS names "code.NAME".
    """

    token_path: Path = "/token"  # noqa: S105 - an address
    credentials: Literal["header", "form"] = "header"
    scope: Text = ""
    receiver: Text = ""
    headers: dict[HeaderName, Text] = field(
        default_factory=lambda: {"X-Sender-Code": "{authority}", "X-Receiver-Code": "{receiver}", "X-Message-Id": "{message}"}
    )
    base: Annotated[str, Meta(pattern=r"^(/[A-Za-z0-9._~-]+)*$", max_length=200)] = "/ndxp/api/v1"
    services: dict[Annotated[str, Meta(pattern=r"^(GET|PUT|POST) /[A-Za-z0-9._~*/-]{0,200}$")], Path] = {}
    faults: dict[Annotated[str, Meta(max_length=40)], ErrorKind] = {}


def _message() -> dict[str, Any]:
    return {
        "header": {"messageId": "{message}", "sender": "{authority}", "receiver": "{receiver}", "service": "{service}", "sentAt": "{time}"},
        "request": {"method": "{method}", "path": "{path}", "query": "{query}", "idempotencyKey": "{key}", "body": "{body}"},
    }


class NodeOptions(Struct, forbid_unknown_fields=True):
    """An Agent Node beside the agency (Decree 278/2025/NĐ-CP): one local address that takes messages; who we are is told by mTLS.

    `message` is the message, its texts with placeholders as above and {service}, {method}, {path}, {query}, {key} (the idempotency key) and
    {body} (base64, so that it arrives byte for byte). `answer_*` say where in the node's answer the other side's answer stands.
    """

    path: Path = "/messages"
    receiver: Text = ""
    services: dict[Annotated[str, Meta(pattern=r"^(GET|PUT|POST) /[A-Za-z0-9._~*/-]{0,200}$")], Text] = {}
    message: dict[str, Any] = field(default_factory=_message)
    answer_status: Place = "/response/status"
    answer_body: Place = "/response/body"
    answer_retry_after: Place = "/response/retryAfter"
    fault_code: Place = "/error/code"
    fault_text: Place = "/error/message"
    faults: dict[Annotated[str, Meta(max_length=40)], ErrorKind] = {}


SHAPES: Mapping[str, type[Struct]] = {
    Transport.DIRECT: NoOptions,
    Transport.LGSP: LgspOptions,
    Transport.AGENT_NODE: NodeOptions,
    Transport.CARRIED: CarriedOptions,
}

Options = TypeVar("Options", bound=Struct)


class OptionsInvalid(Exception):
    """A channel's options are not as its transport wants them; the message names the place."""


def options_read(transport: str, options: Mapping[str, Any], shape: type[Options]) -> Options:
    """The options of a channel as `shape`, which is its transport's. Raises OptionsInvalid."""
    if SHAPES.get(transport) is not shape:
        raise OptionsInvalid(f"{shape.__name__} are not the options of the transport {transport}")
    try:
        read = msgspec.convert(dict(options), shape)
    except msgspec.ValidationError as error:
        raise OptionsInvalid(str(error)) from error
    for place, text in _texts(msgspec.to_builtins(read)):
        for name, of in PLACEHOLDER.findall(text):
            if name not in PLACEHOLDERS and not (name == "secret" and of):
                raise OptionsInvalid(f"{{{name}}} is no placeholder - at `{place}`; known are {', '.join(sorted(PLACEHOLDERS))} and secret:NAME")
    return read


def options_check(transport: str, options: Any) -> None:
    """Raises OptionsInvalid when a channel of this transport cannot have these options."""
    shape = SHAPES.get(transport)
    if shape is None:
        raise OptionsInvalid(f"{transport} is no transport")
    if not isinstance(options, dict):
        raise OptionsInvalid("the options are a JSON object, {} when there are none")
    options_read(transport, options, shape)


def place_found(document: Any, place: str) -> Any:
    """What stands at `place` (/header/code) of a JSON document, None when nothing does."""
    for name in place.strip("/").split("/"):
        document = document.get(name) if isinstance(document, dict) else None
    return document


def service_of(services: Mapping[str, str], method: str, path: str) -> tuple[str, list[str]] | None:
    """The first line that fits a call, and what stood for its stars."""
    asked = path.strip("/").split("/")
    for line, service in services.items():
        verb, _space, pattern = line.partition(" ")
        parts = pattern.strip("/").split("/")
        if verb == method and len(parts) == len(asked) and all(a in ("*", b) for a, b in zip(parts, asked, strict=True)):
            return service, [b for a, b in zip(parts, asked, strict=True) if a == "*"]
    return None


def _texts(value: Any, place: str = "$") -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [found for name, one in value.items() for found in _texts(one, f"{place}.{name}")]
    if isinstance(value, list):
        return [found for number, one in enumerate(value) for found in _texts(one, f"{place}[{number}]")]
    return [(place, value)] if isinstance(value, str) else []
