"""Guests: somebody a visitor invites to look along, to talk, and to steer for a while."""
