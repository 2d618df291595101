"""
Streamers that belong to another program: `python -m signalling.peer.attached`.

They take the options of `streamer` and end with standard input, which the program that
started them holds open: however it ends, no streamer is left behind.
"""

import sys

from signalling.peer.lifetime import until_input_ends
from signalling.peer.streamer import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], until_input_ends))
