import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { callAgent } from '../support/agent.ts';
import { call, withInstance } from '../support/calls.ts';
import { type InstanceOptions, type TestInstance, until } from '../support/instance.ts';
import { freePort } from '../support/ports.ts';
import { isAlive, signalAll } from '../support/processes.ts';
import { allTransports, processesOf } from './support.ts';

interface Row {
  readonly check: string;
  readonly verdict: string;
  readonly seen: string;
  readonly remedy?: string;
  readonly ms: number;
}

/** Diagnoses an instance as JSON and returns the rows by the check's name. */
async function diagnose(
  instance: TestInstance,
  params: Record<string, string> = {},
): Promise<{ code: number | null; rows: Map<string, Row> }> {
  const result = await call(instance, 'diagnose', params, { args: ['--output=json'] });
  const report: { exitCode: number; findings: Row[] } = JSON.parse(result.stdout);
  assert.is(report.exitCode, result.code);
  return { code: result.code, rows: new Map(report.findings.map((row) => [row.check, row])) };
}

/** A broken set-up: what is broken, and where the diagnosis names the cause and the remedy. */
interface Broken {
  readonly name: string;
  readonly options?: InstanceOptions;
  /** Parameters over the instance's own, for the diagnosis alone. */
  readonly params?: (instance: TestInstance) => Promise<Record<string, string>> | Record<string, string>;
  readonly breakIt?: (instance: TestInstance) => Promise<void> | void;
  readonly code: number;
  readonly check: RegExp;
  readonly seen: RegExp;
  readonly remedy: RegExp;
}

const BROKEN: readonly Broken[] = [
  {
    name: 'the polled user is not answered, a URI without user is',
    options: {
      route:
        'if (is_method("OPTIONS") && $rU == $null) { sl_send_reply("200", "OK"); exit; } sl_send_reply("404", "Not here");',
      params: { probe_user: '' },
    },
    params: () => ({ probe_user: 'monitor' }),
    code: 1,
    check: /^udp:/,
    seen: /404/,
    remedy: /set probe_user to nothing/,
  },
  {
    name: 'the polled user gets no answer, a URI without user does',
    options: {
      route: 'if (is_method("OPTIONS") && $rU == $null) { sl_send_reply("200", "OK"); }\n  exit;',
      params: { probe_user: '' },
    },
    params: () => ({ probe_user: 'monitor', probe_timeout: '1' }),
    code: 1,
    check: /^udp:/,
    seen: /no answer to OPTIONS/,
    remedy: /set probe_user to nothing/,
  },
  {
    name: 'the FIFO is configured elsewhere than kamctlrc says',
    breakIt: (instance) => writeFileSync(instance.kamctlrc, 'RPCFIFOPATH=/run/elsewhere.fifo\n'),
    code: 1,
    check: /^control plane$/,
    seen: /\/run\/elsewhere\.fifo does not exist/,
    remedy: /reads \/tmp\/.*rpc\.fifo: set RPCFIFOPATH/,
  },
  {
    name: 'Kamailio listens on another port than is polled',
    params: async () => ({ port: String(await freePort()) }),
    code: 1,
    check: /^tcp:/,
    seen: /nobody listens/,
    remedy: /listens on .*tcp:127\.0\.0\.1:\d+: poll one of these/,
  },
  {
    name: 'the main process was killed',
    breakIt: async (instance) => {
      const pid = instance.mainPid();
      signalAll([pid], 'SIGKILL');
      await until(() => !isAlive(pid), 'the main process is gone');
    },
    code: 1,
    check: /^processes$/,
    seen: /is (gone|dead.*), yet \d+ processes/,
    remedy: /stop removes them all/,
  },
  {
    name: 'all is stopped',
    breakIt: (instance) => signalAll(instance.pids(), 'SIGSTOP'),
    params: () => ({ probe_timeout: '1' }),
    code: 1,
    check: /^processes$/,
    seen: /main process \d+ is stopped/,
    remedy: /kill -CONT/,
  },
  {
    name: 'the configuration was broken after the start',
    breakIt: (instance) => writeFileSync(instance.conffile, 'request_route {\n'),
    code: 0,
    check: /^configuration$/,
    seen: /line \d+/,
    remedy: /mend the file/,
  },
  {
    name: 'the binary is missing',
    params: () => ({ binary: '/nonexistent/kamailio' }),
    code: 0,
    check: /^binary$/,
    seen: /does not exist/,
    remedy: /install the package kamailio/,
  },
  {
    name: 'the account is unknown',
    params: () => ({ kamuser: 'nobody_knows_me' }),
    code: 0,
    check: /^accounts$/,
    seen: /not known on this node/,
    remedy: /getent passwd/,
  },
  {
    name: 'strangers may write to the directory of the pidfile',
    breakIt: (instance) => chmodSync(join(instance.directory, 'run'), 0o777),
    code: 0,
    check: /^directories$/,
    seen: /others may write/,
    remedy: /chmod/,
  },
  {
    name: 'kamctlrc is missing',
    breakIt: (instance) => rmSync(instance.kamctlrc),
    code: 190,
    check: /^control plane$/,
    seen: /kamctlrc .* is missing/,
    remedy: /put it there/,
  },
  {
    name: 'a parameter is outside its domain',
    params: () => ({ proto: 'sctp' }),
    code: 190,
    check: /^parameters$/,
    seen: /proto=sctp/,
    remedy: /^$/,
  },
  {
    name: 'a worker is stopped',
    breakIt: async (instance) => signalAll(await processesOf(instance, /^slow timer/), 'SIGSTOP'),
    code: 190,
    check: /^predictions$/,
    seen: /worker \d+ is stopped/,
    remedy: /kill -CONT/,
  },
];

for (const { name, options = {}, params, breakIt, code, check, seen, remedy } of BROKEN) {
  test(`diagnose names cause and remedy: ${name}`, async () => {
    await withInstance(options, async (instance) => {
      assert.is((await call(instance, 'start')).code, 0);
      const before = readFileSync(instance.pidfile, 'utf8');
      await breakIt?.(instance);
      const { code: exit, rows } = await diagnose(instance, await params?.(instance));
      const row = [...rows.values()].find((candidate) => check.test(candidate.check));
      assert.ok(row, 'the check is in the report');
      assert.match(row.seen, seen);
      assert.match(row.remedy ?? '', remedy);
      assert.is.not(row.verdict, 'ok');
      assert.is(exit, code);
      // Every check runs, whatever the others came to, and none changes anything.
      for (const wanted of [
        'parameters',
        'binary',
        'configuration',
        'accounts',
        'directories',
        'processes',
        'control plane',
        'predictions',
      ]) {
        assert.ok(rows.has(wanted), `${wanted} was checked`);
      }
      assert.is(readFileSync(instance.pidfile, 'utf8'), before);
    });
  });
}

test('diagnose tells when the pidfile is that of another instance', async () => {
  await withInstance({}, async (other) => {
    assert.is((await call(other, 'start')).code, 0);
    await withInstance({}, async (instance) => {
      writeFileSync(instance.pidfile, `${other.mainPid()}\n`);
      const { code, rows } = await diagnose(instance);
      assert.is(code, 7);
      assert.match(
        rows.get('processes')?.seen ?? '',
        new RegExp(`Kamailio of another instance, started with -P ${other.pidfile}`),
      );
    });
  });
});

test('a healthy instance is told to a person line by line, plain when it is no terminal', async () => {
  await withInstance(allTransports(), async (instance) => {
    assert.is((await call(instance, 'start')).code, 0);
    const probes = `udp:127.0.0.1:${instance.port} tls:127.0.0.1:${instance.port + 1}`;
    const { code, stdout } = await call(instance, 'diagnose', { probes });
    assert.is(code, 0);
    assert.match(stdout, /^ {2}ok +binary +.*version: kamailio/m);
    assert.match(stdout, /^ {2}ok +udp:127\.0\.0\.1:\d+ +200 OK from kamailio .*\(\d+ ms\)$/m);
    assert.match(stdout, /^ {2}ok +tls:127\.0\.0\.1:\d+ +200 OK/m);
    assert.match(stdout, /^ {2}ok +control plane +up for \d+ s/m);
    assert.match(stdout, /A monitor would exit with 0\./);
    assert.not.ok(stdout.includes('\u001b'));
  });
});

test('an output that does not exist is refused', async () => {
  const { code, reason } = await callAgent('diagnose', {}, { args: ['--output=yaml'] });
  assert.is(code, 2);
  assert.match(reason, /--output=yaml is neither text nor json/);
});

test('two problems of one check are two findings, each with its own remedy', async () => {
  const values = { listen_address: '127.0.0.1', port: '0', probe_user: 'a b' };
  const { code, stdout } = await callAgent('diagnose', values, { args: ['--output=json'] });
  assert.is(code, 7);
  const { findings }: { findings: { check: string; seen: string; remedy?: string }[] } = JSON.parse(stdout);
  const faults = findings.filter(({ check }) => check === 'parameters');
  assert.is(faults.length, 2);
  for (const { seen, remedy } of faults) {
    assert.not.match(seen, /\|\|/);
    assert.not.match(remedy ?? '', /\|\||probe_user=|port=/);
  }
  const plain = await callAgent('diagnose', values);
  assert.is(plain.stdout.match(/^ {2}FAILED +parameters/gm)?.length, 2);
});

test.run();
