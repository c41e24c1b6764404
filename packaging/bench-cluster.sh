#!/bin/sh
# npm run bench:cluster: the outages that callers see, with the built agent and with the shell agent, in a cluster
# on this machine. `npm run bench:cluster -- --runs=1 --case=hang` takes one run of one case.
set -eu

cd "$(dirname "$0")/.."
PATH="$PWD/node_modules/.bin:$PATH"
export PATH

sh packaging/setup.sh
node build.mjs
exec node test/bench/outage/bench-cluster.ts "$@"
