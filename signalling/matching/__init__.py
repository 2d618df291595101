"""The matchmaker joined to the server: places, sessions, Epic's own matchmaker."""
