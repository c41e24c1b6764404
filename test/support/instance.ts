import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { spareFifoPath } from '../../src/kamctl/fifo-names.ts';
import { forgetUid } from '../../src/process/account-note.ts';
import { findProcesses } from '../../src/process/instance.ts';
import { readState, removeState } from '../../src/watch/state.ts';
import { ifInterrupted } from './interrupted.ts';
import { freePort } from './ports.ts';
import { commandLine } from './processes.ts';

/** A Kamailio of a test's own: directory, configuration, port, FIFOs. Nothing of it outlives `dispose`. */
export interface TestInstance {
  /** The instance's own directory. */
  readonly directory: string;
  readonly conffile: string;
  readonly pidfile: string;
  readonly kamctlrc: string;
  readonly fifo: string;
  /** Where a start leaves the FIFO for the replies to the monitors that follow. */
  readonly spareFifo: string;
  readonly port: number;
  /** OCF parameters that start it, udptcp on 127.0.0.1. */
  readonly params: Readonly<Record<string, string>>;
  /** The resource's name, as the executor gives it; to be passed to `callAgent`. */
  readonly env: Readonly<Record<string, string>>;
  /** The pid in the pidfile; throws when there is none. */
  mainPid(): number;
  /** Pids of all living processes of the instance. */
  pids(): number[];
  /** Ends every process of the instance, by pid, and removes its directory. */
  dispose(): Promise<void>;
}

export interface InstanceOptions {
  /** Replaces the body of request_route. */
  readonly route?: string;
  /** Lines that go to the end of the global part of the configuration. */
  readonly config?: string | ((port: number, directory: string) => string);
  /** Parameters over the usual ones. */
  readonly params?: Readonly<Record<string, string>>;
  /** Owner of the directory; root otherwise. */
  readonly uid?: number;
  readonly gid?: number;
  /** Name of a resource whose default pidfile is used; otherwise the pidfile lies in the test's directory. */
  readonly resource?: string;
}

const ANSWER_POLL = `if (is_method("OPTIONS") && $rU == "monitor") {
    sl_send_reply("200", "OK");
    exit;
  }
  sl_send_reply("404", "Not here");`;

/** Makes an instance's directory and files; nothing is started. */
export async function makeInstance(options: InstanceOptions = {}): Promise<TestInstance> {
  const directory = mkdtempSync('/tmp/ocf-kamailio-test-');
  chmodSync(directory, 0o755);
  const run = join(directory, 'run');
  mkdirSync(run);
  const conffile = join(directory, 'kamailio.cfg');
  const kamctlrc = join(directory, 'kamctlrc');
  const pidfile = options.resource
    ? `/var/run/kamailio_${options.resource}/kamailio.pid`
    : join(run, 'kamailio.pid');
  const fifo = join(run, 'rpc.fifo');
  const port = await freePort();
  writeFileSync(conffile, configuration(directory, fifo, port, options));
  writeFileSync(kamctlrc, `# settings of a test\nRPCFIFOPATH="${fifo}"\n`);
  if (options.uid !== undefined) {
    for (const path of [directory, run]) chownSync(path, options.uid, options.gid ?? options.uid);
  }
  const params = {
    conffile,
    ...(!options.resource && { pidfile }),
    kamctlrc,
    listen_address: '127.0.0.1',
    port: String(port),
    ...options.params,
  };
  const actual = options.params?.pidfile ?? pidfile;
  const { binary = '/usr/sbin/kamailio', kamuser = '' } = options.params ?? {};
  const identity = { binary, pidfile: actual, kamuser };
  const spareFifo = spareFifoPath('/tmp', actual);
  const removeFiles = () => {
    // A test that ends Kamailio by itself, or has the shell agent end it, leaves the spare FIFO.
    for (const path of [directory, spareFifo, ...(options.resource ? [dirname(pidfile)] : [])])
      rmSync(path, { recursive: true, force: true });
    forgetUid(actual);
  };
  const pids = () => findProcesses(identity).map((process) => process.pid);
  const disposed = ifInterrupted(() => {
    const watcher = readState(actual)?.watcher;
    if (watcher && commandLine(watcher.pid)[0]?.startsWith('ocf-watcher')) killQuietly(watcher.pid);
    removeState(actual);
    for (const pid of pids()) killQuietly(pid);
    removeFiles();
  });
  return {
    directory,
    conffile,
    pidfile: actual,
    kamctlrc,
    fifo,
    spareFifo,
    port,
    params,
    env: { OCF_RESOURCE_INSTANCE: options.resource ?? 'ocfk_test' },
    mainPid: () => Number(readFileSync(actual, 'utf8')),
    pids,
    dispose: async () => {
      disposed();
      for (let left = pids(); left.length > 0; left = pids()) {
        for (const pid of left) killQuietly(pid);
        await pause(20);
      }
      removeFiles();
    },
  };
}

function configuration(directory: string, fifo: string, port: number, options: InstanceOptions): string {
  return `#!KAMAILIO
debug=2
log_stderror=no
children=2
tcp_children=2
auto_aliases=no
dns=no
loadmodule "jsonrpcs.so"
loadmodule "kex.so"
loadmodule "corex.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
modparam("jsonrpcs", "fifo_name", "${fifo}")
modparam("jsonrpcs", "dgram_socket", "")
modparam("jsonrpcs", "transport", 2)
${typeof options.config === 'function' ? options.config(port, directory) : (options.config ?? '')}
request_route {
  ${options.route ?? ANSWER_POLL}
}
`;
}

/** Waits until a condition holds; throws after `limitMs`, which is generous: no test asserts a time. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  limitMs = 20_000,
): Promise<void> {
  for (const end = Date.now() + limitMs; !(await condition()); await pause(10)) {
    if (Date.now() > end) throw new Error(`waited ${limitMs} ms in vain until ${what}`);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}
