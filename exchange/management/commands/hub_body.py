"""On the hub: keep the list of the bodies that have to send, from a shell on the server."""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from exchange.choices import BodyKind
from exchange.models import BodyStanding, ExpectedBody
from exchange.selectors.bodies import bodies_on
from exchange.services.bodies import body_add, body_change, body_counted, standing_undo
from orgtree import clock


class Command(BaseCommand):
    help = "Show the bodies that have to send, add one, change one, say whether it is counted, or take the newest change back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        acts.add_parser("list", help="how each stands today")
        adding = acts.add_parser("add", help="put a body on the list, counted")
        adding.add_argument("name")
        adding.add_argument("--kind", choices=BodyKind.values, default=BodyKind.CENTRAL)
        adding.add_argument("--code", default="", help="agency identifier, for example G30")
        changing = acts.add_parser("change", help="another name, identifier or place")
        changing.add_argument("name")
        changing.add_argument("--to", help="the new name")
        changing.add_argument("--code")
        changing.add_argument("--order", type=int)
        for act in ("count", "uncount"):
            acts.add_parser(act).add_argument("name")
        acts.add_parser("undo", help="take the newest change back").add_argument("name")
        for name in ("add", "change", "count", "uncount"):
            acts.choices[name].add_argument("--since", type=date.fromisoformat, help="YYYY-MM-DD; today unless told")
            acts.choices[name].add_argument("--source", default="", help="where that is written")
        for name in ("count", "uncount"):
            acts.choices[name].add_argument("--reason", required=True)

    def handle(self, *args: Any, act: str, **told: Any) -> None:
        if settings.ROLE != "hub":
            raise CommandError("the list is kept on the hub: set HOSO_ROLE=hub")
        if act == "list":
            for one in bodies_on(clock.today()):
                self.stdout.write(f"{one.position:4} {one.body.kind:8} {one.standing:11} {one.code or '-':8} {one.name}")
            return
        try:
            self._do(act, told)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write("done")

    def _do(self, act: str, told: dict[str, Any]) -> None:
        day, source = told.get("since") or clock.today(), told.get("source", "")
        if act == "add":
            body_add(actor=None, kind=told["kind"], name=told["name"], code=told["code"], day=day, source=source)
            return
        seen = _standing(told["name"])
        if act == "change":
            name, code = told["to"] or seen.name, seen.code if told["code"] is None else told["code"]
            position = seen.position if told["order"] is None else told["order"]
            body_change(actor=None, seen=seen, day=day, name=name, code=code, position=position, source=source)
        elif act == "undo":
            standing_undo(actor=None, seen=seen)
        else:
            body_counted(actor=None, seen=seen, counted=act == "count", day=day, reason=told["reason"], source=source)


def _standing(name: str) -> BodyStanding:
    body = ExpectedBody.objects.filter(name=name).first()
    if body is None:
        raise CommandError(f"no body of the list is called {name}; hub_body list names them all")
    return body.standings.all()[0]
