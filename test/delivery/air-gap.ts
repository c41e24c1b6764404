import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun } from './tools.ts';

const CONFIGURATION = `#!KAMAILIO
debug=0
log_stderror=no
children=1
tcp_children=1
auto_aliases=no
dns=no
loadmodule "jsonrpcs.so"
loadmodule "kex.so"
loadmodule "corex.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
modparam("jsonrpcs", "transport", 2)
modparam("jsonrpcs", "fifo_name", "/run/kamailio/kamailio_rpc.fifo")
request_route {
  if (is_method("OPTIONS") && $rU == "monitor") {
    sl_send_reply("200", "OK");
    exit;
  }
  sl_send_reply("404", "Not here");
}
`;

/**
 * Each line of a life prints `name=EXIT_CODE`; a line `-` shows what a failed step printed. The agent gets what
 * Pacemaker gives it, and nothing else.
 */
const PREAMBLE = `#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive
AGENT=/usr/lib/ocf/resource.d/heartbeat/kamailio
step() {
  name=$1; shift
  "$@" >/tmp/output 2>&1 </dev/null; code=$?
  echo "$name=$code"
  sed 's/^/- /' /tmp/output >&2
}
agent() {
  env -i PATH=$PATH OCF_ROOT=/usr/lib/ocf OCF_RESOURCE_INSTANCE=p_kamailio OCF_RA_VERSION_MAJOR=1 \\
    OCF_RESKEY_CRM_meta_timeout=60000 OCF_RESKEY_listen_address=127.0.0.2 OCF_RESKEY_monitoring_ip=127.0.0.2 \\
    OCF_RESKEY_proto=udp OCF_RESKEY_conffile=/etc/kamailio/test.cfg OCF_RESKEY_kamctlrc="$KAMCTLRC" \\
    OCF_RESKEY_kamuser=kamailio OCF_RESKEY_kamgroup=kamailio timeout 60 $AGENT "$1"
}
pid() { cat /var/run/kamailio_p_kamailio/kamailio.pid; }
same_pid() { test "$(pid)" = "$1" && kill -0 "$1"; }
KAMCTLRC=/etc/kamailio/kamctlrc
mkdir -p /run/kamailio && chown kamailio:kamailio /run/kamailio
`;

/**
 * Runs shell lines in `root`, with process and network namespaces of their own: no address but loopback, and
 * nothing outlives them. Returns the exit codes that \`step\` has printed, by name, and all output.
 */
export function runInAirGap(root: string, lines: string): { codes: Record<string, number>; output: string } {
  mkdirSync(join(root, 'etc/kamailio'), { recursive: true });
  writeFileSync(join(root, 'etc/kamailio/test.cfg'), CONFIGURATION);
  writeFileSync(join(root, 'etc/kamailio/kamctlrc'), 'RPCFIFOPATH=/run/kamailio/kamailio_rpc.fifo\n');
  // sipsak wants a name of the node that can be resolved.
  writeFileSync(join(root, 'etc/hosts'), '127.0.0.1 localhost\n127.0.0.1 node1.test node1\n');
  writeFileSync(join(root, 'life'), `${PREAMBLE}${lines}\n`);
  chmodSync(join(root, 'life'), 0o755);
  const inside =
    'mount -t proc proc "$1/proc" && ip link set lo up && echo node1 >/proc/sys/kernel/hostname && exec chroot "$1" /life';
  const flags = ['--mount', '--net', '--pid', '--ipc', '--uts', '--fork', '--kill-child'];
  const output = mustRun('unshare', [...flags, 'sh', '-c', `${inside} 2>&1`, 'sh', root], {
    limitMs: 90_000,
  });
  const found = [...output.matchAll(/^([\w -]+)=(\d+)$/gm)].map(([, name = '', code]) => [
    name,
    Number(code),
  ]);
  return { codes: Object.fromEntries(found), output };
}
