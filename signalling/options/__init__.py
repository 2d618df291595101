"""Options: read from command line, environment and file, and what each area has of them."""
