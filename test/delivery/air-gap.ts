import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Root } from './root.ts';
import { ROOT } from './tools.ts';

/**
 * Each step of a life prints `name=EXIT_CODE`, and in lines that begin with `-` what it has said. The agent gets
 * what Pacemaker gives it, and nothing else. $1 is the root, $2 a directory of packages, which is /packages there.
 */
const PREAMBLE = `
set -e
mount -t proc proc "$1/proc"
mkdir "$1/packages"
mount --bind "$2" "$1/packages"
ip link set lo up
echo node1 >/proc/sys/kernel/hostname
set +e
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive
NODE=$1
AGENT=/usr/lib/ocf/resource.d/heartbeat/kamailio
KAMCTLRC=/etc/kamailio/kamctlrc
step() {
  name=$1; shift
  "$@" >"$NODE/output" 2>&1 </dev/null; code=$?
  echo "$name=$code"
  tail -n 20 "$NODE/output" | sed 's/^/- /'
}
on_node() { chroot "$NODE" "$@"; }
agent() {
  env -i PATH=$PATH OCF_ROOT=/usr/lib/ocf OCF_RESOURCE_INSTANCE=p_kamailio OCF_RA_VERSION_MAJOR=1 \\
    OCF_RESKEY_CRM_meta_timeout=60000 OCF_RESKEY_listen_address=127.0.0.2 OCF_RESKEY_monitoring_ip=127.0.0.2 \\
    OCF_RESKEY_proto=udp OCF_RESKEY_conffile=/etc/kamailio/test.cfg OCF_RESKEY_kamctlrc="$KAMCTLRC" \\
    OCF_RESKEY_kamuser=kamailio OCF_RESKEY_kamgroup=kamailio chroot "$NODE" timeout 60 $AGENT "$1"
}
pid() { cat "$NODE/run/kamailio_p_kamailio/kamailio.pid"; }
same_pid() { test "$(pid)" = "$1" && kill -0 "$1"; }
# A shell that has been called with the name of a script is on its way for a while before it opens it.
slow_shell() {
  mv "$NODE/bin/bash" "$NODE/bin/bash.quick" &&
    printf '#!/bin/sh\\nsleep 0.1\\nexec /bin/bash.quick "$@"\\n' >"$NODE/bin/bash" && chmod 755 "$NODE/bin/bash"
}
begin_monitors() {
  while [ ! -e "$NODE/enough" ]; do
    agent monitor >"$NODE/monitor" 2>&1; code=$?
    echo $code >>"$NODE/codes"
    [ $code -eq 0 ] || cp "$NODE/monitor" "$NODE/failure"
  done &
  monitors=$!
}
end_monitors() {
  touch "$NODE/enough"
  wait $monitors
  sort "$NODE/codes" | uniq -c
  cat "$NODE/failure" 2>/dev/null
  test -s "$NODE/codes" && ! grep -vx 0 "$NODE/codes"
}
# The shell agent makes no directory for the FIFO.
on_node mkdir -p /run/kamailio-cluster && on_node chown kamailio:kamailio /run/kamailio-cluster
`;

/** What a life came to: the exit codes of its steps by name, and all output. */
export interface Life {
  readonly codes: Readonly<Record<string, number>>;
  readonly output: string;
}

/**
 * Runs shell lines, see PREAMBLE, beside `root`, with process and network namespaces of their own: no address but
 * loopback, and nothing outlives them.
 */
export function runInAirGap(root: Root, packages: string, lines: string): Life {
  const etc = join(root.path, 'etc/kamailio');
  mkdirSync(etc, { recursive: true });
  copyFileSync(`${ROOT}packaging/examples/kamailio.cfg`, join(etc, 'test.cfg'));
  copyFileSync(`${ROOT}packaging/examples/kamctlrc`, join(etc, 'kamctlrc'));
  // sipsak wants a name of the node that can be resolved.
  writeFileSync(join(root.path, 'etc/hosts'), '127.0.0.1 localhost\n127.0.0.1 node1.test node1\n');
  const flags = ['--mount', '--net', '--pid', '--ipc', '--uts', '--fork', '--kill-child', '--mount-proc'];
  const words = [...flags, 'sh', '-c', `exec 2>&1\n${PREAMBLE}${lines}`, 'sh', root.inside, packages];
  const { status, output } = root.run('unshare', words, { limitMs: 120_000 });
  if (status !== 0) throw new Error(`the life broke off with ${status}:\n${output}`);
  const found = [...output.matchAll(/^([\w -]+)=(\d+)$/gm)].map(([, name = '', code]) => [
    name,
    Number(code),
  ]);
  return { codes: Object.fromEntries(found), output };
}
