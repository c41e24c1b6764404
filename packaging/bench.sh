#!/bin/sh
# npm run bench: the built agent and the shell agent in turn. `npm run bench -- --pairs=30` runs more.
# npm run bench:growth: what a monitor costs as the node grows.
set -eu

cd "$(dirname "$0")/.."
PATH="$PWD/node_modules/.bin:$PATH"
export PATH

sh packaging/setup.sh kamailio resource-agents sipsak procps
node build.mjs
if [ "${1-}" = growth ]; then
  shift
  exec node test/growth/figures.ts "$@"
fi
exec node test/bench/bench.ts "$@"
