import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { listeningSockets } from '../../src/process/sockets.ts';
import { pollTarget } from '../../src/sip-probe/poll.ts';
import type { Target } from '../../src/sip-probe/target.ts';
import { within } from '../support/deadline.ts';
import { until } from '../support/instance.ts';
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
  steps: string,
  options: readonly string[],
  body: (target: Target) => Promise<void>,
): Promise<void> {
  const port = await freePort();
  const directory = mkdtempSync('/tmp/ocf-kamailio-sipp-');
  const scenario = join(directory, 'scenario.xml');
  writeFileSync(
    scenario,
    `<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="odd"><recv request="OPTIONS"/>${steps}</scenario>\n`,
  );
  const sipp = spawn(
    SIPP,
    ['-sf', scenario, '-i', '127.0.0.1', '-p', String(port), '-t', 'u1', '-nostdin', ...options],
    { cwd: directory, stdio: 'ignore', env: { ...process.env, TERM: 'dumb' } },
  );
  const ended = new Promise((resolve) => sipp.on('exit', resolve));
  try {
    await until(() => listeningSockets().some((socket) => socket.port === port), 'SIPp listens');
    await body({ transport: 'udp', address: '127.0.0.1', port });
  } finally {
    sipp.kill('SIGKILL');
    await ended;
    rmSync(directory, { recursive: true });
  }
}

const SERVERS = [
  { name: 'answers after a second', steps: `<pause milliseconds="1000"/>${reply('200 OK')}`, healthy: true },
  {
    name: 'is provisional first, twice',
    steps: `${reply('100 Trying')}<pause milliseconds="100"/>${reply('183 Progress')}<pause milliseconds="100"/>${reply('200 OK')}`,
    healthy: true,
  },
  {
    name: 'folds its headers',
    steps: reply('200 OK', 'Server: folded\n  over\n\tlines\nSubject: x\n'),
    healthy: true,
  },
  {
    name: 'loses the first two requests',
    // SIPp takes each datagram of the call as it comes (-nr): the third copy is the one that is answered.
    steps: `<recv request="OPTIONS"/><recv request="OPTIONS"/>${reply('200 OK')}`,
    options: ['-nr'],
    healthy: true,
  },
  {
    name: 'answers after the deadline',
    steps: `<pause milliseconds="4000"/>${reply('200 OK')}`,
    healthy: false,
    seen: /no answer to OPTIONS within 2\.\d s/,
  },
  {
    name: 'is provisional for ever',
    steps: reply('100 Trying'),
    healthy: false,
    seen: /no answer to OPTIONS/,
  },
  {
    name: 'has no time',
    steps: reply('503 Overloaded'),
    healthy: false,
    seen: /with 503 Overloaded; .*overloaded/,
  },
  {
    name: 'accepts for later',
    steps: reply('202 Accepted'),
    healthy: false,
    seen: /with 202 Accepted; only 200 counts/,
  },
] as const;

for (const { name, steps, healthy, ...more } of SERVERS) {
  sippTest(`a server that ${name} is ${healthy ? 'healthy' : 'not healthy'}`, () =>
    withSipp(steps, 'options' in more ? more.options : [], async (target) => {
      const outcome = await pollTarget(target, 'monitor', within(healthy ? 20_000 : 2000), undefined);
      assert.is(outcome.healthy, healthy);
      if (!outcome.healthy && 'seen' in more) assert.match(`${outcome.seen}; ${outcome.remedy}`, more.seen);
    }),
  );
}

test.run();
