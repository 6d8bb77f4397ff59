"""Through the Agent Node that the data centre sets up beside the agency (Decree 278/2025/NĐ-CP).

Every call becomes one message to the node's local address, which answers with a message that holds the other side's answer. Who we are the node
sees by our client certificate, so there is no token.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any
from urllib.parse import urlencode

from exchange.choices import Transport
from exchange.contract import ErrorKind
from exchange.models import Channel
from exchange.transports.base import API, Ask, CallFailed, Reply, Values, Way, fault_of, json_of, text_at
from exchange.ways import NODE_FAULTS, NodeOptions, options_read, place_found, service_of


class AgentNode(Way):
    name = Transport.AGENT_NODE

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel)
        self.options = options_read(channel.transport, channel.transport_options, NodeOptions)
        self._faults = {**NODE_FAULTS, **self.options.faults}

    def place(self, ask: Ask) -> Ask:
        found = service_of(self.options.services, ask.method, ask.url)
        values = Values.of(
            self.channel,
            ask,
            self.options.receiver,
            service=found[0] if found else f"{ask.method} {ask.url}",
            method=ask.method,
            path=API + ask.url,
            query=urlencode(ask.params),
            key=ask.headers.get("idempotency-key", ""),
            body=base64.b64encode(ask.content or b"").decode(),
        )
        message = json.dumps(_filled(self.options.message, values), ensure_ascii=False).encode()
        headers = {"content-type": "application/json", **({"idempotency-key": ask.key} if ask.key else {})}
        return Ask("POST", self.base + self.options.path, headers, message)

    def read(self, reply: Reply) -> Reply:
        said = json_of(reply.body)
        code = text_at(said, self.options.fault_code)
        if code:
            raise fault_of(self._faults, code, text_at(said, self.options.fault_text), reply, _seconds(place_found(said, "/error/retryAfter")))
        status = place_found(said, self.options.answer_status)
        if not isinstance(status, int) or isinstance(status, bool) or not 100 <= status <= 599:
            if reply.status >= 400:
                return reply  # it did not get as far as a message: the status says what it is
            text = f"the node's answer has no status at {self.options.answer_status}"
            raise CallFailed(ErrorKind.AMBIGUOUS, "ANSWER_UNREADABLE", text, status=reply.status)
        return Reply(status, self._headers(said), self._body(said, reply))

    def _body(self, said: Any, reply: Reply) -> bytes:
        try:
            return base64.b64decode(text_at(said, self.options.answer_body), validate=True)
        except (binascii.Error, ValueError) as error:
            text = f"what stands at {self.options.answer_body} of the node's answer is not base64"
            raise CallFailed(ErrorKind.AMBIGUOUS, "ANSWER_UNREADABLE", text, status=reply.status) from error

    def _headers(self, said: Any) -> dict[str, str]:
        wait = place_found(said, self.options.answer_retry_after)
        return {} if wait is None else {"retry-after": str(wait)}


def _filled(value: Any, values: Values) -> Any:
    """The message with its placeholders replaced, in every text of it."""
    if isinstance(value, dict):
        return {name: _filled(one, values) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, values) for one in value]
    return values.fill(value) if isinstance(value, str) else value


def _seconds(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
