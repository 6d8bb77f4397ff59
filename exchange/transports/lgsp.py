"""NDXP through a provincial LGSP: the gateway's token, its headers, its service codes in place of our addresses, its faults as error kinds."""

from __future__ import annotations

from dataclasses import replace

from exchange.choices import Transport
from exchange.contract import ErrorKind
from exchange.models import Channel
from exchange.transports.base import Ask, CallFailed, Reply, TokenCall, Values, Way, fault_of, json_of, text_at
from exchange.ways import GATEWAY_FAULTS, LgspOptions, options_read, service_of


class Lgsp(Way):
    """A fault is the gateway's own when the answer is `{"fault": {"code", ...}}`, or names a code of the table beside a message."""

    name = Transport.LGSP

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel)
        self.options = options_read(channel.transport, channel.transport_options, LgspOptions)
        self._faults = {**GATEWAY_FAULTS, **self.options.faults}

    def place(self, ask: Ask) -> Ask:
        values = Values.of(self.channel, ask, self.options.receiver)
        headers = {name: values.fill(text) for name, text in self.options.headers.items()}
        secrets = [name for name, text in self.options.headers.items() if "{secret:" in text]
        return replace(ask, url=self.base + self._address(ask), headers={**ask.headers, **headers}, secrets=secrets)

    def read(self, reply: Reply) -> Reply:
        said = json_of(reply.body)
        fault = said.get("fault") if isinstance(said, dict) and isinstance(said.get("fault"), dict) else said
        code = text_at(fault, "/code")
        if fault is not said or code in self._faults:
            text = " ".join(filter(None, (text_at(fault, "/message"), text_at(fault, "/description"))))
            raise fault_of(self._faults, code, text, reply, None)
        return reply

    def token(self) -> TokenCall:
        form = {"grant_type": "client_credentials", **({"scope": self.options.scope} if self.options.scope else {})}
        return TokenCall(self.base + self.options.token_path, form, in_form=self.options.credentials == "form")

    def _address(self, ask: Ask) -> str:
        found = service_of(self.options.services, ask.method, ask.url)
        if found is None:
            if not self.options.base:
                text = f"no line of “services” fits {ask.method} {ask.url}: ask the gateway's operator for its service code and add it to the channel"
                raise CallFailed(ErrorKind.CONFIG, "SERVICE_UNMAPPED", text)
            return self.options.base + ask.url
        service, stars = found
        for one in stars:
            service = service.replace("*", one, 1)
        return service
