#!/bin/sh
# Make the virtual environment $1 and install the locked versions into it.
# $PYTHON names the interpreter. On a Debian without venv, apt is asked for it.
set -eu

venv=$1
python=${PYTHON:-python3}

say() { printf '%s\n' "$*" >&2; }

command -v "$python" >/dev/null || {
    say "There is no $python. Install Python 3.11 or newer, or name one: PYTHON=... make"
    exit 1
}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    say "$python is too old: Python 3.11 or newer is needed (PYTHON=... make)."
    exit 1
}

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    package="python$version-venv"
    say "This Python cannot make virtual environments; asking apt for $package."
    "$(dirname "$0")/apt-install.sh" "$package" || {
        say "Install it yourself: apt-get install $package"
        exit 1
    }
fi

say "Installing the locked versions into $venv (half a minute the first time)."
"$python" -m venv --clear "$venv"
"$venv/bin/python" -m pip install -qq --disable-pip-version-check \
    --require-hashes --only-binary :all: --requirement requirements/lock.txt
"$venv/bin/python" -m pip install -qq --disable-pip-version-check \
    --no-deps --no-build-isolation --editable .
