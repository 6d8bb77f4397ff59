"""Forms: what pages show to be filled in, and what comes back of it."""
