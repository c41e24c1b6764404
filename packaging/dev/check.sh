#!/bin/sh
# npm run check: types, lint and format of the sources, lint of the shell scripts.
set -eu

cd "$(dirname "$0")/../.."

tsc --noEmit
biome check .
node packaging/dev/check-rooms.mjs
if command -v shellcheck >/dev/null; then
  shellcheck packaging/*.sh packaging/*/*.sh test/cluster/testbed/*.sh .ci/run
else
  echo 'check: shellcheck is not installed; the shell scripts were not looked at'
fi
