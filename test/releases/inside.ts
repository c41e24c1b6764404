import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { builtPackages, packageName } from '../delivery/build.ts';
import { OURS } from '../delivery/order.ts';
import { intoNamespace, type Root } from '../delivery/root.ts';
import { AGENT_PATH } from '../delivery/small-packages.ts';
import { ROOT } from '../delivery/tools.ts';
import { SHELL_AGENTS_DEB } from './root.ts';

/** What one check came to. */
export interface Result {
  readonly name: string;
  /** What is wrong; undefined when it holds. */
  readonly error?: string;
  /** Why the release cannot do it. */
  readonly whyNot?: string;
}

/** Throws unless the check `name` was tried in `where`, the release, and holds. */
export function assertHeld(results: readonly Result[], name: string, where: string): void {
  const result = results.find((one) => one.name === name);
  assert.ok(result, `${where}: ${name}: not tried`);
  assert.is(result.error, undefined, `${where}: ${name}: ${result.error}`);
}

const OURS_DEB = '/packages/ours.deb';

/** Where our package puts the shell agent. */
const DIVERTED = '/usr/share/resource-agents-kamailio/diverted/kamailio';
/** Where a node keeps it, whose administrator installs the script by hand. */
const KEPT = '/usr/local/lib/kamailio.shell';

/** A PATH of the root's own programs. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What `run` may take in all: generous, on a machine that does other things. ms */
const LIMIT_MS = 480_000;

export const ORDER =
  "installed before the release's own resource-agents: our agent is at its path, and stays there";
export const WAY_BACK = "after a removal the release's own agent is at its path, byte for byte";

/**
 * Installs the package as built over the root's own resource-agents. Returns where the shell agent is now. Throws with
 * dpkg's words when it fails.
 */
export function installPackage(root: Root): string {
  copyFileSync(join(builtPackages(), packageName('deb', 'x64')), join(root.path, OURS_DEB));
  mountProc(root);
  dpkg(root, '--install', OURS_DEB);
  return DIVERTED;
}

/** Puts the script as built at the shell agent's path. Returns where the shell agent is now. */
export function installScript(root: Root): string {
  mountProc(root);
  const agent = join(root.path, AGENT_PATH);
  mkdirSync(dirname(join(root.path, KEPT)), { recursive: true });
  renameSync(agent, join(root.path, KEPT));
  copyFileSync(join(ROOT, 'dist/kamailio'), agent);
  return KEPT;
}

/** Installs the two packages anew, ours first, and compares the agent with what it was before. */
export function orderOfInstallation(root: Root): Result {
  const agent = join(root.path, AGENT_PATH);
  const ours = readFileSync(agent);
  dpkg(root, '--purge', OURS);
  // The release's cluster wants it: for a moment it has to do without.
  dpkg(root, '--purge', '--force-depends', 'resource-agents');
  if (existsSync(agent)) return { name: ORDER, error: 'an agent is left where no package is' };
  for (const deb of [OURS_DEB, SHELL_AGENTS_DEB]) {
    dpkg(root, '--install', deb);
    if (!readFileSync(agent).equals(ours))
      return { name: ORDER, error: `another agent is there after ${deb}` };
  }
  return { name: ORDER };
}

/** Removes the package, and compares the agent with that of `pristine`, the root as it was. */
export function wayBack(root: Root, pristine: string): Result {
  const [theirs, ours] = [join(pristine, AGENT_PATH), join(root.path, AGENT_PATH)].map((path) =>
    readFileSync(path),
  );
  if (!theirs || !ours || theirs.equals(ours))
    return { name: WAY_BACK, error: 'our agent was not at its path' };
  dpkg(root, '--purge', OURS);
  return readFileSync(join(root.path, AGENT_PATH)).equals(theirs)
    ? { name: WAY_BACK }
    : { name: WAY_BACK, error: 'another agent is there' };
}

/** dpkg's own programs and the checks look there. */
function mountProc(root: Root): void {
  root.run('mount', ['-t', 'proc', 'proc', join(root.inside, 'proc')]);
}

function dpkg(root: Root, ...words: readonly string[]): void {
  const env = { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C', PATH };
  const { status, output } = root.run('chroot', [root.inside, 'dpkg', '--force-unsafe-io', ...words], {
    env,
  });
  if (status !== 0) throw new Error(`dpkg ended with ${status}: ${output}`);
}

/**
 * Runs the checks in the root, in namespaces of their own: processes, network, mounts. Nothing of them outlives this
 * process. The Node.js of this process, as /opt/node, and the project are seen there, read only.
 */
export async function runChecks(root: Root, shellAgent: string): Promise<Result[]> {
  const script = `set -e
ip link set lo up
mkdir -p "$1$2" "$1/opt"
mount --bind "$2" "$1$2"
mount -o remount,bind,ro "$1$2"
touch "$1/opt/node"
mount --bind "$3" "$1/opt/node"
# As the first process of its namespace the shell takes over orphans; \`wait\` reaps them.
chroot "$1" /opt/node "$2test/releases/checks/run.ts" &
wait $!`;
  const namespaces = ['--pid', '--net', '--ipc', '--uts', '--mount', '--fork', '--kill-child'];
  const child = spawn(
    'nsenter',
    [
      ...intoNamespace(root.holder),
      ...['--', 'unshare', ...namespaces, `--mount-proc=${root.inside}/proc`],
      ...['sh', '-c', script, 'checks', root.inside, ROOT, process.execPath],
    ],
    {
      env: { PATH, HOME: '/root', AGENT_UNDER_TEST: AGENT_PATH, SHELL_AGENT_UNDER_TEST: shellAgent },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  const end = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(signal ?? code));
  });
  clearTimeout(limit);
  if (end !== 0) throw new Error(`the checks ended with ${end}: ${stdout}${stderr}`);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}
