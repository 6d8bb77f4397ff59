"""Does a hub keep the contract? Checks that ask any hub over HTTP, each with an example of what was seen and how to mend it.

`kit` is the hub as the checks see it and the agency that they play; `checks_*` are the checks by subject; `runner` runs them and
writes the report. How things are signed is given from outside: the server itself never signs.
"""
