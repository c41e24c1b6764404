import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readPolls } from '../../src/watch/state.ts';
import { assertCall } from '../support/calls.ts';
import { type TestInstance, until } from '../support/instance.ts';
import { ifInterrupted } from '../support/interrupted.ts';
import { withWatched } from './support.ts';

const SIPP = '/usr/bin/sipp';
/** s; `WATCH_LOAD_S=600 node test/watch/load.test.ts` takes ten minutes. */
const SECONDS = Number(process.env.WATCH_LOAD_S ?? 20);

/** A caller that asks, and repeats nothing: the next one is on its way. */
const SCENARIO = `<?xml version="1.0" encoding="UTF-8"?>
<scenario name="load">
  <send><![CDATA[

OPTIONS sip:monitor@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: <sip:load@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:monitor@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 OPTIONS
Content-Length: 0

]]></send>
  <recv response="200" timeout="1000"/>
</scenario>
`;

/** Runs `body` while SIPp calls Kamailio as often as it can; returns how many calls were answered. */
async function underLoad({ directory, port }: TestInstance, body: () => Promise<void>): Promise<number> {
  const [scenario, statistics] = [join(directory, 'load.xml'), join(directory, 'load.csv')];
  writeFileSync(scenario, SCENARIO);
  const words = ['-sf', scenario, '-i', '127.0.0.1', '-t', 'u1', '-nostdin', '-r', '50000', '-l', '500'];
  const noted = ['-trace_stat', '-stf', statistics, '-fd', '1'];
  const sipp = spawn(SIPP, [...words, ...noted, `127.0.0.1:${port}`], {
    cwd: directory,
    stdio: 'ignore',
    env: { ...process.env, TERM: 'dumb' },
  });
  const ended = new Promise((resolve) => sipp.on('exit', resolve));
  const hasEnded = ifInterrupted(() => sipp.kill('SIGKILL'));
  try {
    await body();
  } finally {
    sipp.kill('SIGKILL');
    await ended;
    hasEnded();
  }
  const [head = '', ...rows] = readFileSync(statistics, 'utf8').trim().split('\n');
  return Number(rows.at(-1)?.split(';')[head.split(';').indexOf('SuccessfulCall(C)')]);
}

/** How often the watcher has been at work so far: each second it writes down when that was. */
function lastLook({ pidfile }: TestInstance): string | undefined {
  return readPolls(pidfile)?.split('\n')[0];
}

const loadTest = existsSync(SIPP) ? test : test.skip;
loadTest(`a Kamailio at full load from SIPp for ${SECONDS} s is not reported`, () =>
  withWatched(async (watched) => {
    assertCall(await watched.act('start', { watch: 'sip' }), 0);
    const pid = await watched.untilWatched();
    const calls = await underLoad(watched.instance, async () => {
      const looks = new Set<string | undefined>();
      await until(
        () => looks.add(lastLook(watched.instance)).size > SECONDS,
        `the watcher has looked ${SECONDS} times`,
        SECONDS * 10_000,
      );
    });
    assert.ok(calls > 1000, `${calls} calls were answered`);
    assert.equal(watched.reports(), []);
    assert.equal(watched.watchers(), [pid]);
  }),
);

test.run();
