"""The WSGI application that the web server runs.

What is loaded by now stays to the end: it is taken out of the garbage collector's sight, for which going through it cost 170 ms of a
request now and then. Done before the workers are forked, it also keeps them sharing those pages.
"""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
get_resolver().url_patterns  # noqa: B018 - the views are loaded here instead of within the first request
gc.collect()
gc.freeze()
