"""What the consultant costs: beside signalling, and by itself."""
