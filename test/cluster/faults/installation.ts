import { dirname } from 'node:path';
import { GROUP, KAMAILIO, PIDFILE } from '../testbed/kamailio.ts';
import { CONFFILE, configuration, DATABASE, setParameter } from './configuration.ts';
import { DEAD, type Fault, type Undo } from './fault.ts';
import type { Service } from './service.ts';

const BINARY = '/usr/sbin/kamailio';
const MODULES = '/usr/lib/*/kamailio/modules';
const DATABASES = dirname(DATABASE);

/** A database that nothing answers for, without which no worker comes up. */
const AWAY = `loadmodule "db_postgres.so"
loadmodule "auth.so"
loadmodule "auth_db.so"
modparam("auth_db", "db_url", "postgres://kamailio:secret@127.0.0.1:1/kamailio")
`;

/** Faults of the configuration, the installation and the accounts. */
export const INSTALLATION_FAULTS: readonly Fault[] = [
  {
    broken: 'the configuration is broken when Kamailio has died',
    monitor: DEAD,
    start: { code: 2, reason: /Kamailio rejects its configuration/ },
    cluster: 'moves it',
    inflict: async ({ node, signal, pids }) => {
      await node.write(CONFFILE, `${configuration()}request_route { not_a_function( }\n`);
      await signal('KILL', pids);
      return () => node.write(CONFFILE, configuration());
    },
  },
  {
    broken: 'the configuration keeps Kamailio in the foreground (fork=no), and it has died',
    monitor: DEAD,
    start: { code: 1, reason: /stays in the foreground and writes no pidfile; remove `fork=no`/ },
    cluster: 'moves it',
    inflict: (service) => restartWith(service, configuration('fork=no\n')),
  },
  {
    broken: 'kamailio.cfg answers the poll with 404, and Kamailio has died',
    monitor: DEAD,
    start: { code: 1, reason: /has refused every poll for 5 s: udp:\S+ answers OPTIONS / },
    cluster: 'moves it',
    inflict: (service) =>
      restartWith(
        service,
        configuration().replace('sl_send_reply("200", "OK")', 'sl_send_reply("404", "No")'),
      ),
  },
  {
    broken: 'the database is down when Kamailio has died',
    monitor: DEAD,
    start: { code: 1, reason: /port 1 failed: Connection refused/ },
    cluster: 'moves it',
    inflict: (service) =>
      restartWith(
        service,
        configuration().replace('request_route', () => `${AWAY}request_route`),
      ),
  },
  {
    // A start that fails would ban the node.
    broken: 'the database is a moment late when Kamailio has died',
    monitor: DEAD,
    cluster: 'restarts it here',
    inflict: async ({ testbed, node, sh, signal, pids }) => {
      await sh('mv "$1" "$1.away"', DATABASES);
      const logged = node.log().length;
      await signal('KILL', pids);
      // The one that fails lives for some milliseconds: too short to be looked for.
      const isTriedAgain = async () => node.log().slice(logged).includes('launching Kamailio again');
      const mend = () => sh('mv "$1.away" "$1"', DATABASES);
      await testbed.waitFor(isTriedAgain, 'a start launches Kamailio again').finally(mend);
      return undefined;
    },
  },
  {
    broken: 'the configuration is missing on the node that it is moved to',
    monitor: { code: 7, called: 'by hand, on the target' },
    start: { code: 5, reason: /conffile \S+ does not exist on this node/ },
    cluster: { does: 'runs it on a node that has it', until: untilElsewhere },
    registrations: 'kept',
    inflict: (service) => moveWithout(service, CONFFILE),
  },
  {
    broken: "Kamailio's program is missing on the node that it is moved to",
    monitor: { code: 7, called: 'by hand, on the target' },
    start: { code: 5, reason: /binary \S+ does not exist on this node/ },
    cluster: { does: 'runs it on a node that has it', until: untilElsewhere },
    registrations: 'kept',
    inflict: (service) => moveWithout(service, BINARY),
  },
  {
    broken: 'an upgrade replaces the program of a running Kamailio',
    monitor: { code: 0 },
    cluster: 'leaves it alone',
    inflict: async ({ sh }) => void (await sh('cp -p "$1" "$1.new"; mv "$1.new" "$1"', BINARY)),
  },
  {
    broken: 'the main process is killed after an upgrade',
    monitor: { code: 1, reason: /main process is not known .* but \d+ processes/ },
    cluster: 'restarts it here',
    inflict: async ({ sh, signal, main }) => {
      await sh('cp -p "$1" "$1.new"; mv "$1.new" "$1"', BINARY);
      await signal('KILL', [main]);
      return undefined;
    },
  },
  {
    broken: 'a failed upgrade leaves a damaged program, and Kamailio has died',
    monitor: DEAD,
    start: { code: 5, reason: /binary \S+ is no program for this node/ },
    cluster: 'moves it',
    inflict: async ({ sh, signal, pids }) => {
      await sh('mv "$1" "$1.away"; echo half >"$1"; chmod 755 "$1"', BINARY);
      await signal('KILL', pids);
      return () => sh('mv "$1.away" "$1"', BINARY);
    },
  },
  {
    broken: 'a module is missing when Kamailio has died',
    monitor: DEAD,
    start: { code: 2, reason: /Kamailio rejects its configuration/ },
    cluster: 'moves it',
    inflict: async ({ sh, signal, pids }) => {
      await sh(`for path in ${MODULES}/usrloc.so; do mv "$path" "$path.away"; done`);
      await signal('KILL', pids);
      return () => sh(`for path in ${MODULES}/usrloc.so.away; do mv "$path" "\${path%.away}"; done`);
    },
  },
  {
    broken: 'the database is damaged when Kamailio has died',
    monitor: DEAD,
    start: { code: 1, reason: /Kamailio exited with \d+ instead of serving/ },
    cluster: 'moves it',
    inflict: async ({ sh, signal, pids }) => {
      await sh('mv "$1" "$1.away"; echo damaged >"$1"', DATABASE);
      await signal('KILL', pids);
      return () => sh('mv "$1.away" "$1"', DATABASE);
    },
  },
  {
    // What runs is still known as Kamailio's, and ended. The directory of an unknown account is not trusted, and left.
    broken: 'the account kamuser is removed, and the main process is killed',
    monitor: { code: 1, reason: /\d+ processes of the instance live as \d+ .*which kamuser does not name/ },
    start: { code: 2, reason: /account \S+ \(kamuser\) is not known/ },
    cluster: 'moves it',
    inflict: async ({ sh, signal, main }) => {
      await sh('cp -p /etc/passwd /etc/passwd.away; sed -i /^kamailio:/d /etc/passwd');
      await signal('KILL', [main]);
      return () => sh('mv /etc/passwd.away /etc/passwd; rm -r "$(dirname "$1")"', PIDFILE);
    },
  },
  {
    broken: 'a parameter is set to a value that is wrong on every node',
    start: { code: 6, reason: /port=99999/ },
    cluster: {
      does: 'stops it everywhere, until the parameter is right',
      until: async ({ testbed }) => {
        await testbed.waitFor(async () => {
          const { resources } = await testbed.state();
          return resources.some(({ id, active }) => id === KAMAILIO && !active);
        }, 'Kamailio is stopped');
        await testbed.settle();
      },
    },
    registrations: 'kept',
    inflict: async ({ testbed }) => {
      await setParameter(testbed, 'port', '99999');
      return () => setParameter(testbed, 'port', undefined);
    },
  },
];

/** Takes a file away from the target and has the group moved there. */
async function moveWithout({ testbed, target }: Service, path: string): Promise<Undo> {
  await target.mustRun(['mv', path, `${path}.away`]);
  await testbed.command(['crm_resource', '--resource', GROUP, '--move', '--node', target.name]);
  return async () => {
    await target.mustRun(['mv', `${path}.away`, path]);
    await testbed.command(['crm_resource', '--resource', GROUP, '--clear']);
  };
}

/** Waits until the start on the target has failed, and Kamailio serves on another node. */
async function untilElsewhere({ testbed, target }: Service): Promise<void> {
  await testbed.waitFor(async () => {
    const { failures } = await testbed.state();
    const isTried = failures.some(({ task, node }) => task === 'start' && node === target.name);
    const place = await testbed.runningOn(KAMAILIO);
    return isTried && place && place.name !== target.name && (await testbed.answers());
  }, `Kamailio serves elsewhere than on ${target.name}`);
  await testbed.settle();
}

/** Has the next start on this node find another configuration. */
async function restartWith({ node, signal, pids }: Service, text: string): Promise<Undo> {
  await node.write(CONFFILE, text);
  await signal('KILL', pids);
  return () => node.write(CONFFILE, configuration());
}
