import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { listeningSockets } from '../../src/process/sockets.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { type TestInstance, until } from '../support/instance.ts';
import { freePort } from '../support/ports.ts';

const SIPP = '/usr/bin/sipp';
const sippTest = existsSync(SIPP) ? test : test.skip;

/** A reply of SIPp; `headers` go in as they are. */
function reply(status: string, headers = ''): string {
  return `<send><![CDATA[

SIP/2.0 ${status}
[last_Via:]
[last_From:]
[last_To:];tag=[call_number]
[last_Call-ID:]
[last_CSeq:]
${headers}Content-Length: 0

]]></send>`;
}

/** Runs `body` while SIPp serves the scenario over UDP, and ends SIPp. */
async function withSipp(
  instance: TestInstance,
  steps: string,
  options: readonly string[],
  body: (probes: string) => Promise<void>,
): Promise<void> {
  const port = await freePort();
  const scenario = join(instance.directory, 'scenario.xml');
  writeFileSync(
    scenario,
    `<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="odd"><recv request="OPTIONS"/>${steps}</scenario>\n`,
  );
  const sipp = spawn(
    SIPP,
    ['-sf', scenario, '-i', '127.0.0.1', '-p', String(port), '-t', 'u1', '-nostdin', ...options],
    { cwd: instance.directory, stdio: 'ignore', env: { ...process.env, TERM: 'dumb' } },
  );
  const ended = new Promise((resolve) => sipp.on('exit', resolve));
  try {
    await until(() => listeningSockets().some((socket) => socket.port === port), 'SIPp listens');
    await body(`udp:127.0.0.1:${port}`);
  } finally {
    sipp.kill('SIGKILL');
    await ended;
  }
}

const SERVERS = [
  { name: 'answers after a second', steps: `<pause milliseconds="1000"/>${reply('200 OK')}`, code: 0 },
  {
    name: 'is provisional first, twice',
    steps: `${reply('100 Trying')}<pause milliseconds="100"/>${reply('183 Progress')}<pause milliseconds="100"/>${reply('200 OK')}`,
    code: 0,
  },
  {
    name: 'folds its headers',
    steps: reply('200 OK', 'Server: folded\n  over\n\tlines\nSubject: x\n'),
    code: 0,
  },
  {
    name: 'loses the first two requests',
    // SIPp takes each datagram of the call as it comes (-nr): the third copy is the one that is answered.
    steps: `<recv request="OPTIONS"/><recv request="OPTIONS"/>${reply('200 OK')}`,
    options: ['-nr'],
    code: 0,
  },
  {
    name: 'answers after probe_timeout',
    steps: `<pause milliseconds="4000"/>${reply('200 OK')}`,
    code: 1,
    seen: /no answer to OPTIONS within 2\.\d s/,
  },
  { name: 'is provisional for ever', steps: reply('100 Trying'), code: 1, seen: /no answer to OPTIONS/ },
  { name: 'has no time', steps: reply('503 Overloaded'), code: 1, seen: /with 503 Overloaded; .*overloaded/ },
  {
    name: 'accepts for later',
    steps: reply('202 Accepted'),
    code: 1,
    seen: /with 202 Accepted; only 200 counts/,
  },
] as const;

for (const { name, steps, code, ...expected } of SERVERS) {
  sippTest(`a server that ${name} gives ${code}`, async () => {
    await withInstance({}, async (instance) => {
      assertCall(await call(instance, 'start'), 0);
      await withSipp(instance, steps, 'options' in expected ? expected.options : [], async (probes) => {
        const probe_timeout = code === 0 ? '20' : '2';
        const result = await call(instance, 'monitor', { probes, probe_timeout });
        assertCall(result, code, ...('seen' in expected ? [expected.seen] : []));
        assert.is(instance.pids().length > 0, true);
      });
    });
  });
}

test.run();
