#!/bin/sh
# npm run demo: the whole life of an instance on loopback, through dist/kamailio alone.
set -eu

cd "$(dirname "$0")/.."
PATH="$PWD/node_modules/.bin:$PATH"
export PATH

sh packaging/setup.sh kamailio
node build.mjs
exec node packaging/demo/demo.mjs
