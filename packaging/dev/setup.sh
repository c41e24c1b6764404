#!/bin/sh
# Makes this machine ready to build, test and try the project. Safe to run again: when nothing is
# missing it only looks, and is done in a fraction of a second.
#
#   packaging/dev/setup.sh              everything the suites need
#   packaging/dev/setup.sh PACKAGE...   the npm packages, and of the system's only those named
set -eu

cd "$(dirname "$0")/../.."

# The servers and tools that the suites drive.
SUITE_PACKAGES='kamailio kamailio-tls-modules kamailio-websocket-modules kamailio-postgres-modules resource-agents
  sipsak sip-tester libxml2-utils pcs crmsh corosync pacemaker pacemaker-cli-utils systemd kamailio-sqlite-modules
  sqlite3 libfaketime shellcheck iproute2 openssl strace procps binutils binutils-aarch64-linux-gnu rpm debootstrap
  qemu-user-static lintian rpmlint mandoc man-db groff-base git'

POLICY=/usr/sbin/policy-rc.d

main() {
  install_npm_packages
  install_system_packages "$@"
  make_home_of_kamailio
}

# npm writes node_modules/.package-lock.json when an installation is complete.
install_npm_packages() {
  stamp=node_modules/.package-lock.json
  if [ -f "$stamp" ] && [ -z "$(find package-lock.json package.json -newer "$stamp")" ]; then
    return
  fi
  echo 'setup: installing the npm packages of package-lock.json'
  # No package of this project needs an installation script of its own. Warnings are left out: pkg and a package that
  # it uses ask for Node.js 22, and get it, for the build runs them on the Node.js that goes into the binary.
  npm ci --include=dev --ignore-scripts --no-audit --no-fund --loglevel=error
  touch "$stamp"
}

install_system_packages() {
  missing=$(missing_packages "$@")
  if [ -z "$missing" ]; then
    return
  fi
  if ! command -v apt-get >/dev/null; then
    echo "setup: this is neither Debian nor Ubuntu; install yourself what these packages hold: $missing"
    echo 'setup: going on without; suites that need them are skipped'
    return
  fi
  if [ "$(id -u)" -ne 0 ]; then
    echo "setup: only root can install what is missing: apt-get install $missing"
    echo 'setup: going on without; suites that need them are skipped'
    return
  fi
  echo "setup: installing with apt-get: $missing"
  forbid_service_starts
  # No package asks anything, and configuration files that somebody has changed or made stay as they are.
  export DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 APT_LISTCHANGES_FRONTEND=none NEEDRESTART_SUSPEND=1
  apt_get update
  # shellcheck disable=SC2086 # a list of names
  apt_get install -y --no-install-recommends $missing
}

# Prints those of the named packages that are not installed, on one line.
missing_packages() {
  if [ $# -eq 0 ]; then
    # shellcheck disable=SC2086 # a list of names
    set -- $SUITE_PACKAGES
  fi
  if ! command -v dpkg-query >/dev/null; then
    echo "$*"
    return
  fi
  # shellcheck disable=SC2016 # dpkg-query's own format
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p')
  missing=
  for name in "$@"; do
    printf '%s\n' "$installed" | grep -qxF -e "$name" || missing="$missing${missing:+ }$name"
  done
  echo "$missing"
}

# The home of Debian's account kamailio, and the directory of the stock kamailio.cfg's FIFO. The system's unit would make
# it after each boot, but does not run here; and a Kamailio of root's makes it for root alone.
make_home_of_kamailio() {
  if [ "$(id -u)" -eq 0 ] && [ ! -e /run/kamailio ] && id kamailio >/dev/null 2>&1; then
    install -d -o kamailio -g kamailio /run/kamailio
  fi
}

apt_get() {
  apt-get -qq -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
    -o Dpkg::Options::=--force-confold "$@" </dev/null
}

# A freshly installed Kamailio or cluster must not come up on a developer's machine: policy-rc.d says so
# to the packages, unless the machine has a policy of its own.
forbid_service_starts() {
  if [ -e "$POLICY" ] || [ -L "$POLICY" ]; then
    return
  fi
  trap 'rm -f "$POLICY"' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  printf '#!/bin/sh\n# Made by the set-up of ocf-kamailio while it installs packages.\nexit 101\n' >"$POLICY"
  chmod 755 "$POLICY"
}

main "$@"
