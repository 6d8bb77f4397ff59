"""Does a program that sends keep the contract? The other direction of `conformance.checks`: the sandbox plays the hub and is watched.

Whoever sends is not asked anything: they point their program at the sandbox's address and let it deliver a few units and people, one of them
in two versions. Each of the faults that a line has strikes once, between sendings that are left in peace. `watching` keeps what was called,
`checks` judge it (`judging`).
"""

from exchange.conformance.senders import checks as checks
