#!/bin/sh
# See that `npm` of Node 20 or newer can be called, with $1/bin in the path.
# Where the system has none, PyPI's wheel of Node goes into the environment $1.
set -eu

venv=$1

is_new_enough() {
    PATH="$venv/bin:$PATH" node -e \
        'process.exit(+process.versions.node.split(".")[0] < 20 ? 1 : 0)' 2>/dev/null &&
        PATH="$venv/bin:$PATH" command -v npm >/dev/null
}

is_new_enough && exit 0
echo "No Node 20 here; installing one into $venv." >&2
"$venv/bin/python" -m pip install -qq --disable-pip-version-check \
    --require-hashes --only-binary :all: --requirement requirements/node.txt
is_new_enough || {
    echo "Node does not run. Install Node 20 or newer, then call make again." >&2
    exit 1
}
