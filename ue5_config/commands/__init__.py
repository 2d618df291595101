"""The subcommands of `python -m ue5_config`, one module each."""
