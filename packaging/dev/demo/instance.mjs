import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../../test/support/ports.ts';

/** For so long no process of the instance may be seen before it counts as gone: one may just be launching. ms */
const QUIET_MS = 200;

/**
 * Makes the directory and files of an instance on loopback, with a port of its own; starts nothing.
 * Returns its parameters for the agent, `crash` that kills its main process, and `dispose` that ends and
 * removes everything.
 */
export async function makeInstance() {
  const directory = mkdtempSync(join(tmpdir(), 'ocf-kamailio-demo-'));
  const pidfile = join(directory, 'run', 'kamailio.pid');
  try {
    // Kamailio's own account must get at its files, not write to them.
    chmodSync(directory, 0o755);
    for (const name of ['kamailio.cfg', 'kamctlrc']) placeTemplate(name, directory);
    const params = {
      conffile: join(directory, 'kamailio.cfg'),
      pidfile,
      kamctlrc: join(directory, 'kamctlrc'),
      listen_address: '127.0.0.1',
      port: String(await freePort()),
      proto: 'udptcp',
      ...(canBecomeKamailio() && { kamuser: 'kamailio', kamgroup: 'kamailio' }),
    };
    return { directory, params, crash: () => crash(pidfile), dispose: () => dispose(directory, pidfile) };
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}

/** The example files as they are, but with the demo's directory in place of /run/kamailio-cluster. */
function placeTemplate(name, directory) {
  const text = readFileSync(new URL(`../../examples/${name}`, import.meta.url), 'utf8');
  writeFileSync(join(directory, name), text.replaceAll('/run/kamailio-cluster/', `${directory}/run/`));
}

function canBecomeKamailio() {
  return process.geteuid() === 0 && /^kamailio:/m.test(readFileSync('/etc/passwd', 'utf8'));
}

/** Kills the main process alone, as a crash would; returns its pid and how many processes live on. */
async function crash(pidfile) {
  const pid = Number(readFileSync(pidfile, 'utf8'));
  if (!pidsOf(pidfile).includes(pid)) throw new Error(`${pidfile} does not name a process of the demo`);
  process.kill(pid, 'SIGKILL');
  while (pidsOf(pidfile).includes(pid)) await pause();
  return { pid, left: pidsOf(pidfile).length };
}

async function dispose(directory, pidfile) {
  for (let quietSince = performance.now(); performance.now() - quietSince < QUIET_MS; ) {
    for (const pid of pidsOf(pidfile)) {
      quietSince = performance.now();
      killQuietly(pid);
    }
    await pause();
  }
  rmSync(directory, { recursive: true, force: true });
}

/** The living processes that were started with -P and this pidfile; its directory is the demo's alone. */
function pidsOf(pidfile) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && readQuietly(`/proc/${name}/cmdline`).includes(`-P\0${pidfile}\0`))
    .map(Number);
}

function pause() {
  return new Promise((resolve) => setTimeout(resolve, 10));
}

function readQuietly(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Gone between two looks.
    return '';
  }
}

function killQuietly(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}
