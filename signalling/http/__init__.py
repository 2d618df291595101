"""What the ports answer in plain HTTP."""
