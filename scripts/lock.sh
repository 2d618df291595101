#!/bin/sh
# Resolve requirements/*.in and setup.cfg into requirements/*.txt, with $1/uv.
set -eu

bin=$1
compile() { "$bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-header --no-annotate "$@"; }

compile --extra webrtc --extra rag --extra mongo --output-file requirements/lock.txt \
    setup.cfg requirements/dev.in
compile --output-file requirements/node.txt requirements/node.in
# What the container image has: a server with its embedded stores, retrieval and MongoDB.
compile --extra rag --extra mongo --output-file requirements/serve.txt setup.cfg
