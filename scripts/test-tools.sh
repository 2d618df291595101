#!/bin/sh
# Install the programs that tests start: Chromium, Redis, coturn.
# What cannot be installed is named, and its tests are skipped, unless $CI is set.
# --chromium prints where Chromium is, if anywhere.
set -eu

find_chromium() { command -v chromium || command -v chromium-browser || command -v google-chrome || true; }

if [ "${1:-}" = --chromium ]; then
    find_chromium
    exit 0
fi

missing=
[ -n "$(find_chromium)" ] || missing="$missing chromium"
command -v redis-server >/dev/null || missing="$missing redis-server"
command -v turnserver >/dev/null || missing="$missing coturn"
[ -z "$missing" ] && exit 0

echo "Tests need$missing; asking apt." >&2
# shellcheck disable=SC2086 # a list of packages
"$(dirname "$0")/apt-install.sh" $missing && exit 0

echo "Could not install$missing: the tests that need them will be SKIPPED." >&2
echo "To run them all: apt-get install$missing" >&2
[ -z "${CI:-}" ]
