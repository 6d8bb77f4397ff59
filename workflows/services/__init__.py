"""One function per mutation, used by every entrance: pages, commands, tasks and the API."""
