import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { ADDRESS_RESOURCE, exampleFile, KAMAILIO } from '../testbed/kamailio.ts';
import type { TestbedNode } from '../testbed/node.ts';
import type { Testbed } from '../testbed/testbed.ts';

export const CONFFILE = '/etc/kamailio/kamailio.cfg';
export const KAMCTLRC = '/etc/kamailio/kamctlrc';
export const FIFO = '/run/kamailio-cluster/kamailio_rpc.fifo';
export const DATABASE = '/var/lib/kamailio/registrations.sqlite';
const SCHEMA = '/usr/share/kamailio/db_sqlite';

/** Timeouts of start, stop and monitor, s. */
export const TIMEOUTS = { start: 40, stop: 30, monitor: 20 } as const;

/** s; a silent Kamailio is found out sooner than by default. */
export const PROBE_TIMEOUT = '3';

/** Suites that FAULT_WATCH is for, by a pattern of their names; all unless said otherwise. CI takes a part of the table. */
const isMeant = new RegExp(process.env.FAULT_WATCH_IN ?? '').test(basename(process.argv[1] ?? ''));

/** FAULT_WATCH=sip takes the table with a watcher beside Kamailio: it may report first what a monitor would find. */
export const WATCH = (isMeant && process.env.FAULT_WATCH) || 'off';

/** Registrations are kept in memory and written when Kamailio stops: the timer that writes them as well comes too late. */
const MODULES = `
loadmodule "db_sqlite.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "cfgutils.so"
modparam("usrloc", "db_url", "sqlite:///${DATABASE}")
modparam("usrloc", "db_mode", 2)
modparam("usrloc", "timer_interval", 86400)
`;

/** A registrar; sip:hang@... takes a worker out for good; `rpc pv.shvSet refuse int 503` has all refused. */
const ROUTES = `
    if ($rU == "hang") { sleep("3600"); }
    if ($shv(refuse) != 0) { sl_send_reply("$shv(refuse)", "Refused"); exit; }
    if (is_method("REGISTER")) { save("location"); exit; }
`;

/** The example's kamailio.cfg, as a registrar with a database; `more` are lines of its global part. */
export function configuration(more = ''): string {
  return exampleFile('kamailio.cfg')
    .replace('debug=0\n', `debug=0\n${more}`)
    .replace('request_route {', `${MODULES}\nrequest_route {${ROUTES}`);
}

/** Writes the configuration and an empty database to each node, and creates the group with Kamailio. */
export async function createService(testbed: Testbed): Promise<void> {
  for (const node of testbed.nodes) await prepare(node);
  await testbed.createKamailio({
    params: { probe_timeout: PROBE_TIMEOUT, watch: WATCH, watch_timeout: PROBE_TIMEOUT },
    groupMeta: { 'resource-stickiness': '100' },
    operations: [
      { name: 'start', interval: 0, timeout: TIMEOUTS.start },
      { name: 'stop', interval: 0, timeout: TIMEOUTS.stop },
      { name: 'monitor', interval: 1, timeout: TIMEOUTS.monitor },
    ],
  });
  // Rare: it is Kamailio's monitor that is to see faults first.
  const rare = `<op id="${ADDRESS_RESOURCE}-monitor-10" interval="300s"/>`;
  await testbed.command(['cibadmin', '--modify', '--scope', 'resources', '--xml-text', rare]);
  await testbed.settle();
}

/** Changes the timeout of an operation; s. */
export async function setTimeoutOf(
  testbed: Testbed,
  operation: keyof typeof TIMEOUTS,
  seconds: number,
): Promise<void> {
  const interval = operation === 'monitor' ? 1 : 0;
  const xml = `<op id="${KAMAILIO}-${operation}-${interval}" timeout="${seconds}s"/>`;
  await testbed.command(['cibadmin', '--modify', '--scope', 'resources', '--xml-text', xml]);
}

async function prepare(node: TestbedNode): Promise<void> {
  writeFileSync(`${node.diskRoot}${CONFFILE}`, configuration());
  const script = `mkdir -p "$(dirname "$1")"; rm -f "$1"; cat "$2"/standard-create.sql "$2"/usrloc-create.sql | sqlite3 "$1"
    chown -R kamailio:kamailio "$(dirname "$1")"`;
  await node.mustRun(['sh', '-ec', script, 'prepare', DATABASE, SCHEMA]);
}

/** Changes a parameter of Kamailio; undefined removes it. The cluster restarts Kamailio where it has to. */
export async function setParameter(testbed: Testbed, name: string, value: string | undefined): Promise<void> {
  const change =
    value === undefined
      ? ['--delete-parameter', name]
      : ['--set-parameter', name, `--parameter-value=${value}`];
  await testbed.command(['crm_resource', '--resource', KAMAILIO, ...change]);
}

/** Has the cluster start a Kamailio that does not heed SIGTERM, on this node; returns how it is taken back. */
export async function makeDeaf(testbed: Testbed, node: TestbedNode): Promise<() => Promise<void>> {
  const path = '/usr/local/sbin/kamailio-deaf';
  await node.write(path, '#!/bin/sh\nexec env --block-signal=TERM /usr/sbin/kamailio "$@"\n');
  await node.mustRun(['chmod', '755', path]);
  await setParameter(testbed, 'binary', path);
  return () => setParameter(testbed, 'binary', undefined);
}
