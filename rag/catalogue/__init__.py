"""Products and partners: their fields, where they come from, where they are kept."""
