#!/bin/sh
# npm run cluster: a cluster on this machine, with the built agent. `npm run cluster` alone says how.
set -eu

cd "$(dirname "$0")/../.."

if [ "${1:-}" = up ]; then
  sh packaging/dev/setup.sh corosync pacemaker pacemaker-cli-utils resource-agents kamailio sipsak iproute2 procps \
    pcs crmsh
  node build.mjs
fi
exec node test/cluster/cluster.ts "$@"
