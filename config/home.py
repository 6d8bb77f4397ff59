"""The home page: what waits for me, what I have under way. It gathers from every app, so it stands above them."""
