"""Rows of items 32.1 to 32.6: what the person learned, by month.

The form asks for months. A month is its first day, and a period is half-open as everywhere: 09/2004 to 06/2008 is
[2004-09-01, 2008-07-01). Old certificates often say neither when nor where, so that only what was learned is required.
"""

from workflows.documents import Field, Rows

_PERIOD = (Field("valid_from", "date"), Field("valid_to", "date"), Field("school", max_length=250))

DEGREES = Rows(
    "degrees",
    (
        *_PERIOD,
        Field("major", max_length=250, required=True),
        Field("major_code", max_length=10),
        Field("mode", max_length=10),
        Field("degree", max_length=10, required=True),
    ),
)
POLITICAL_TRAINING = Rows("political_training", (*_PERIOD, Field("mode", max_length=10), Field("level", max_length=10, required=True)))
STATE_MGMT_TRAINING = Rows("state_mgmt_training", (*_PERIOD, Field("level", max_length=10), Field("certificate", max_length=250, required=True)))
DEFENCE_TRAINING = Rows("defence_training", (*_PERIOD, Field("level", max_length=10), Field("certificate", max_length=250, required=True)))
IT_CERTS = Rows("it_certs", (*_PERIOD, Field("level", max_length=10, required=True), Field("certificate", max_length=250)))
LANGUAGE_CERTS = Rows(
    "language_certs",
    (
        *_PERIOD,
        Field("language", max_length=10, required=True),
        Field("level", max_length=10),
        Field("certificate", max_length=250),
        Field("score", max_length=20),
    ),
)

LEARNING = (DEGREES, POLITICAL_TRAINING, STATE_MGMT_TRAINING, DEFENCE_TRAINING, IT_CERTS, LANGUAGE_CERTS)
