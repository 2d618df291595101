"""Entry point of `python -m ue5_config`."""

import sys

from ue5_config.cli import main

sys.exit(main())
