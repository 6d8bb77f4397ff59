"""The checks. Each has a name, what is expected of a hub, how to mend it, and a function that raises Failed.

They run in order, since a hub that does not know the examining agency's tree can judge no person: a subject a module, imported in that order.
"""

# ruff: noqa: I001 - the order is the order of the checks

from exchange.conformance.checks import entry, form, arrival, versions, signed, content, answers, catalogues, holdings
from exchange.conformance.checks.check import CHECKS, Check

__all__ = ["CHECKS", "Check", "answers", "arrival", "catalogues", "content", "entry", "form", "holdings", "signed", "versions"]
