#!/bin/sh
# npm test: set-up, build, check, all suites. Arguments pick suites by a part of their file's name:
# `npm test -- life` runs test/life.test.ts alone.
set -eu

cd "$(dirname "$0")/.."
PATH="$PWD/node_modules/.bin:$PATH"
export PATH

sh packaging/setup.sh
node build.mjs
sh packaging/check.sh
exec node test/run.ts "$@"
