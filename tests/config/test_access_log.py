"""What the web server writes down of each call."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger

from config.embedded.roles import ROLES


@pytest.mark.parametrize("role", ROLES)
def test_the_access_log_tells_the_path_but_not_what_was_searched_for(role):
    # given
    command = role.processes(8000)[f"{role.name}-web"]
    environ = {
        "REQUEST_METHOD": "GET",
        "RAW_URI": "/staff/?q=066185000001",
        "PATH_INFO": "/staff/",
        "QUERY_STRING": "q=066185000001",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "10.0.0.7",
        "HTTP_REFERER": "http://testserver/staff/?q=066185000001",
    }
    answer = SimpleNamespace(status="200 OK", sent=100, headers=[])
    written = command[command.index("--access-logformat") + 1]
    # when
    line = written % Logger(Config()).atoms(answer, SimpleNamespace(headers=[]), environ, timedelta(seconds=1))
    # then
    assert "GET /staff/" in line
    assert "066185000001" not in line
