#!/bin/sh
# npm run bench: the built agent and the shell agent in turn. `npm run bench -- --pairs=30` runs more.
set -eu

cd "$(dirname "$0")/.."
PATH="$PWD/node_modules/.bin:$PATH"
export PATH

sh packaging/setup.sh kamailio resource-agents sipsak procps
node build.mjs
exec node test/bench/bench.ts "$@"
