"""The project: settings, routing, web server, supervisor, health. Imports every app; no app imports it."""
