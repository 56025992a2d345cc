"""The project: settings, routing, web server, supervisor, health. Imports every app; no app imports it."""

# That of pyproject.toml; a test keeps them together.
VERSION = "0.1.0"
