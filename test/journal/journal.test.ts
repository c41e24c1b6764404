import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, copyFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { listPids, readArgv } from '../../src/process/procfs.ts';
import { intoNamespace } from '../delivery/root.ts';
import { processesOf } from '../health/support.ts';
import { AGENT, type Call } from '../support/agent.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { type InstanceOptions, type TestInstance, until } from '../support/instance.ts';
import { signalAll } from '../support/processes.ts';

/** An instance whose processes and agent log to a real systemd-journald of the test's own. */
interface Scene {
  readonly instance: TestInstance;
  agent(action: string, params?: Record<string, string>, env?: Record<string, string>): Promise<Call>;
  /** Runs a command of a shell where the journal is. */
  inside(command: string): string;
}

/** A recurring monitor, as the executor calls it. */
const RECURRING = { OCF_RESKEY_CRM_meta_interval: '10000' };

async function withJournal(options: InstanceOptions, body: (scene: Scene) => Promise<void>): Promise<void> {
  const script = fileURLToPath(new URL('journald.sh', import.meta.url));
  const journald = spawn('unshare', ['--mount', 'sh', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => journald.once('exit', resolve));
  try {
    await new Promise((resolve) => journald.stdout.once('data', resolve));
    const enter = intoNamespace(journald.pid ?? 0);
    await withInstance(options, async (instance) => {
      const agent = join(instance.directory, 'agent');
      writeFileSync(agent, `#!/bin/sh\nexec nsenter ${enter.join(' ')} -- ${AGENT} "$@"\n`);
      chmodSync(agent, 0o755);
      await body({
        instance,
        agent: (action, params, env) => call(instance, action, params, { agent, ...(env && { env }) }),
        inside: (command) => {
          const run = spawnSync('nsenter', [...enter, '--', 'sh', '-ec', command], { encoding: 'utf8' });
          assert.is(run.status, 0, run.stderr);
          return run.stdout;
        },
      });
    });
  } finally {
    journald.stdin.end();
    await ended;
  }
}

/** Puts a script in the place of journalctl, where the agent looks for it. */
function replaceJournalctl({ instance, inside }: Scene, script: string): void {
  const path = join(instance.directory, 'journalctl');
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  inside(`mount --bind ${path} /usr/bin/journalctl`);
}

async function crash({ instance, agent }: Scene): Promise<number> {
  assertCall(await agent('start'), 0);
  const [worker = 0] = await processesOf(instance, /^udp receiver/);
  signalAll([worker], 'SIGSEGV');
  await until(() => instance.pids().length === 0, 'Kamailio has ended itself');
  return worker;
}

test("after a worker's signal 11 a recurring monitor begins with Kamailio's own words, and diagnose quotes them", async () => {
  await withJournal({}, async (scene) => {
    const worker = await crash(scene);
    const words = new RegExp(`^its log: .*child process ${worker} exited by a signal 11`);
    assertCall(await scene.agent('monitor', {}, RECURRING), 7, words, /not running/);
    const report = await scene.agent('diagnose');
    assert.match(report.stdout, new RegExp(`Kamailio's log +child process ${worker} exited by a signal 11`));
  });
});

test('a probe and a healthy monitor do not read the journal', async () => {
  await withJournal({}, async (scene) => {
    const marker = join(scene.instance.directory, 'called');
    replaceJournalctl(scene, `touch ${marker}`);
    assertCall(await scene.agent('monitor'), 7);
    assertCall(await scene.agent('start'), 0);
    assertCall(await scene.agent('monitor', {}, RECURRING), 0);
    assert.not.ok(existsSync(marker));
    signalAll(scene.instance.pids(), 'SIGSTOP');
    assertCall(await scene.agent('monitor', {}, RECURRING), 1, /is stopped/);
    assert.ok(existsSync(marker), 'a monitor that fails reads it');
  });
});

test('a journalctl that hangs, or prints anything, costs no verdict and leaves no process', async () => {
  await withJournal({}, async (scene) => {
    await crash(scene);
    const pidfile = join(scene.instance.directory, 'hanging');
    replaceJournalctl(scene, `echo $$ > ${pidfile}; exec sleep 1000`);
    assertCall(await scene.agent('monitor', {}, RECURRING), 7, /^not running/);
    const left = `while kill -0 $(cat ${pidfile}) 2>/dev/null; do sleep 0.05; done`;
    scene.inside(left);
    replaceJournalctl(
      scene,
      'yes "{}" | head -c 300000; echo "[1"; echo \'{"MESSAGE":[1,2],"_CMDLINE":7}\'; exit 3',
    );
    assertCall(await scene.agent('monitor', {}, RECURRING), 7, /^not running/);
  });
});

test("another account's process with the same command line is not quoted, and no line passes for an exit reason", async () => {
  const route =
    'xlog("L_ERR", "ocf-exit-reason:forged, exited by a signal 5\\n"); sl_send_reply("500", "No");';
  const config = 'loadmodule "xlog.so"';
  await withJournal({ route, config }, async (scene) => {
    const { instance, agent, inside } = scene;
    inside(
      `/usr/sbin/kamailio -f ${instance.conffile} -P ${instance.pidfile} -l udp:127.0.0.1:${instance.port}`,
    );
    await until(
      async () => /500/.test((await agent('monitor', { proto: 'udp' })).reason),
      'it refuses polls',
    );
    const python = join(instance.directory, 'kamailio');
    copyFileSync('/usr/bin/python3', python);
    const forger =
      'import syslog, time; syslog.syslog(3, "child process 1 exited by a signal 99"); time.sleep(1)';
    const stranger = 'setpriv --reuid nobody --regid nogroup --clear-groups --';
    inside(`${stranger} ${python} -c '${forger}' -P ${instance.pidfile} x`);
    assert.match(inside('journalctl --output=json _COMM=kamailio'), /signal 99/);
    const monitor = await agent('monitor', { proto: 'udp' }, RECURRING);
    assertCall(monitor, 1, /its log: .*forged, exited by a signal 5/, /500/);
    assert.not.match(monitor.reason, /signal 99/);
    assert.not.match(monitor.reason, /ocf-exit-reason:forged/);
  });
});

test('what Kamailio writes to its stderr is in the journal under its name, from its start to its end', async () => {
  const scenery = {
    config: 'loadmodule "xlog.so"',
    route: 'xlog("L_NOTICE", "polled as $ci\\n"); sl_send_reply("200", "OK");',
  };
  await withJournal(scenery, async ({ instance, agent, inside }) => {
    const lines = () =>
      inside('journalctl --output=cat _COMM=kamailio SYSLOG_IDENTIFIER=kamailio _TRANSPORT=syslog || true')
        .split('\n')
        .filter((line) => /NOTICE: <script>: polled as/.test(line)).length;
    const loggers = (main: number) => listPids().filter((pid) => readArgv(pid)?.includes(`--id=${main}`));
    assertCall(await agent('start', { proto: 'udp' }), 0);
    assert.equal(loggers(instance.mainPid()), [], 'none for a Kamailio that logs to syslog');
    assertCall(await agent('stop', { proto: 'udp' }), 0);

    const params = { proto: 'udp', extra_options: '-E' };
    assertCall(await agent('start', params), 0);
    const main = instance.mainPid();
    assert.is(loggers(main).length, 1);
    await until(() => lines() > 0, 'what it wrote while it came up is there');
    const before = lines();
    assertCall(await agent('monitor', params), 0);
    await until(() => lines() > before, 'what it writes later is there');
    assertCall(await agent('stop', params), 0);
    await until(() => loggers(main).length === 0, 'the logger ends with it');

    appendFileSync(instance.conffile, 'no line of a kamailio.cfg\n');
    assertCall(await agent('start', params), 2, /rejects its configuration/);
    await until(
      () => /parse error/.test(inside('journalctl --output=cat SYSLOG_IDENTIFIER=kamailio')),
      'all that a start that failed has said is there',
    );
  });
});

test("a start that fails in time quotes Kamailio's log: a database that is not there", async () => {
  const config = `loadmodule "db_sqlite.so"
loadmodule "sqlops.so"
modparam("sqlops", "sqlcon", "ca=>sqlite:////nonexistent/directory/db")`;
  await withJournal({ config }, async ({ agent }) => {
    const result = await agent('start');
    assertCall(result, 1, /connect|database|open/);
  });
});

test.run();
