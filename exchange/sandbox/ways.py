"""What stands before the sides: a gateway with service codes and faults of its own, and an Agent Node that takes messages.

The shapes are those that `exchange.ways` has as defaults; the official ones are not published.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any
from urllib.parse import parse_qsl

from exchange.sandbox.sides import Call, Refused, Reply

# Service codes that the gateway knows beside our own addresses, as an LGSP gives them out: /ndxp/services/<code>/<what follows>.
SERVICES = {"CBCCVC-TO-CHUC": "/org-units", "CBCCVC-HO-SO": "/profiles", "CBCCVC-LO": "/batches", "CBCCVC-KET-QUA": "/receipts"}
STATUS = {"101503": 500, "101504": 504, "900901": 401}
SAID = {"101503": "Error connecting to the back end", "101504": "Connection timed out", "900901": "Invalid Credentials"}


class Faulty(Refused):
    """A call that the gateway refuses in its own shape."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status, "FAULT", "a fault of the gateway")
        self.reply = reply


def gateway_fault(code: str) -> Reply:
    """As WSO2 API Manager words its faults."""
    return Reply(STATUS[code], {"fault": {"code": int(code), "type": "Status report", "message": SAID[code], "description": "sandbox"}})


def served_at(path: str) -> str:
    """The address of a side that a path behind the gateway means."""
    head, _services, rest = path.partition("/services/")
    if head or not rest:
        return path
    code, _slash, more = rest.partition("/")
    return f"/api/v1{SERVICES[code]}{'/' + more if more else ''}" if code in SERVICES else path


def unwrapped(call: Call) -> Call:
    """The call that a message to the node holds. Raises Refused."""
    try:
        said: dict[str, Any] = json.loads(call.body)
        header, asked = said["header"], said["request"]
        if not all(isinstance(header.get(name), str) and header[name] for name in ("messageId", "sender", "service")):
            raise ValueError("header names messageId, sender and service")
        headers = {"idempotency-key": asked["idempotencyKey"]} if asked.get("idempotencyKey") else {}
        body = base64.b64decode(asked.get("body", ""), validate=True)
        return Call(str(asked["method"]), str(asked["path"]), dict(parse_qsl(asked.get("query", ""))), headers, body)
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        refused = Refused(400, "MESSAGE_INVALID", str(error))
        refused.reply = Reply(400, {"error": {"code": "MESSAGE_INVALID", "message": f"the message cannot be read: {error}"}})
        raise refused from error


def wrapped(reply: Reply) -> Reply:
    """A side's answer as the node hands it over."""
    body = b"" if reply.body is None else json.dumps(reply.body, ensure_ascii=False).encode()
    wait = next((value for name, value in reply.headers if name.lower() == "retry-after"), None)
    said = {"status": reply.status, "body": base64.b64encode(body).decode(), **({"retryAfter": wait} if wait else {})}
    return Reply(200, {"response": said})
