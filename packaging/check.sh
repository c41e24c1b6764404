#!/bin/sh
# npm run check: types, lint and format of the sources, lint of the shell scripts.
set -eu

cd "$(dirname "$0")/.."
PATH="$PWD/node_modules/.bin:$PATH"
export PATH

tsc --noEmit
biome check .
if command -v shellcheck >/dev/null; then
  shellcheck packaging/*.sh packaging/deb/*.sh packaging/rpm/*.sh test/cluster/bed/*.sh .ci/run
else
  echo 'check: shellcheck is not installed; the shell scripts were not looked at'
fi
