import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { listeningSockets } from '../../src/process/sockets.ts';
import { pollTarget } from '../../src/sip-probe/poll.ts';
import { callAgent } from '../support/agent.ts';
import { within } from '../support/deadline.ts';
import { makeInstance, until } from '../support/instance.ts';
import { freePort } from '../support/ports.ts';
import { complaint, SOON_MS } from './support.ts';

/** Polls a Kamailio that was started for it, over both transports. */
async function pollKamailio(address: string, user: string) {
  const instance = await makeInstance({ params: { listen_address: address } });
  try {
    const start = await callAgent('start', instance.params);
    assert.is(start.code, 0, start.stderr);
    return await Promise.all(
      (['udp', 'tcp'] as const).map((transport) =>
        pollTarget({ transport, address, port: instance.port }, user, within(SOON_MS)),
      ),
    );
  } finally {
    await instance.dispose();
  }
}

test('Kamailio answers the poll over UDP and TCP, IPv4 and IPv6', async () => {
  for (const address of ['127.0.0.1', '::1']) {
    for (const outcome of await pollKamailio(address, 'monitor')) {
      assert.ok(outcome.healthy, JSON.stringify(outcome));
      assert.match(outcome.healthy ? outcome.reply.server : '', /^kamailio/i);
    }
  }
});

test('Kamailio takes the request for well-formed: its own sanity checks pass, without and with a user', async () => {
  const route = `if (!sanity_check("17895", "7")) exit;
    if (!is_method("OPTIONS")) exit;
    sl_send_reply("200", "Sane");`;
  const config = 'loadmodule "sanity.so"';
  const instance = await makeInstance({ route, config });
  try {
    const start = await callAgent('start', instance.params);
    assert.is(start.code, 0, start.stderr);
    for (const transport of ['udp', 'tcp'] as const) {
      for (const user of ['monitor', '', 'a;b=c', '+49(30)']) {
        const target = { transport, address: '127.0.0.1', port: instance.port };
        const outcome = await pollTarget(target, user, within(SOON_MS));
        assert.ok(outcome.healthy, JSON.stringify(outcome));
        assert.is(outcome.healthy && outcome.reply.phrase, 'Sane');
      }
    }
  } finally {
    await instance.dispose();
  }
});

test("a user that Kamailio does not know is told with Kamailio's own 404", async () => {
  for (const outcome of await pollKamailio('127.0.0.1', 'stranger')) {
    assert.match(complaint(outcome), /OPTIONS sip:stranger@127\.0\.0\.1:\d+ with 404 Not here/);
  }
});

/** A SIPp server for one OPTIONS: refuses a request in which a header of RFC 3261 §8.1.1 is missing. */
const SIPP_SCENARIO = `<?xml version="1.0" encoding="UTF-8"?>
<scenario name="answers one poll">
  <recv request="OPTIONS">
    <action>
${[
  ['Via:', 'SIP/2.0/(UDP|TCP) .*;branch=z9hG4bK'],
  ['Max-Forwards:', '70'],
  ['From:', 'sip:.*;tag='],
  ['To:', 'sip:'],
  ['Call-ID:', '[0-9a-f]'],
  ['CSeq:', '1 OPTIONS'],
  ['Contact:', 'sip:'],
]
  .map(
    ([header, expression], index) =>
      `      <ereg regexp="${expression}" search_in="hdr" header="${header}" check_it="true" assign_to="${index + 1}"/>`,
  )
  .join('\n')}
    </action>
  </recv>
  <send>
    <![CDATA[

SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:];tag=[call_number]
[last_Call-ID:]
[last_CSeq:]
Server: SIPp
Content-Length: 0

]]>
  </send>
  <Reference variables="1,2,3,4,5,6,7"/>
</scenario>
`;

const SIPP = '/usr/bin/sipp';
const sippTest = existsSync(SIPP) ? test : test.skip;

sippTest(
  'SIPp takes the request and answers it, over UDP and TCP (needs the package sip-tester)',
  async () => {
    const directory = mkdtempSync('/tmp/ocf-kamailio-sipp-');
    try {
      const scenario = join(directory, 'answer.xml');
      writeFileSync(scenario, SIPP_SCENARIO);
      for (const transport of ['udp', 'tcp'] as const) {
        const port = await freePort();
        const mode = transport === 'udp' ? 'u1' : 't1';
        const sipp = spawn(
          SIPP,
          ['-sf', scenario, '-i', '127.0.0.1', '-p', String(port), '-t', mode, '-m', '1', '-nostdin'],
          { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, TERM: 'dumb' } },
        );
        let errors = '';
        sipp.stderr.on('data', (data) => {
          errors += data;
        });
        const ended = new Promise<number | null>((resolve) => sipp.on('exit', resolve));
        try {
          await until(
            () => listeningSockets().some((socket) => socket.transport === transport && socket.port === port),
            'SIPp listens',
          );
          const outcome = await pollTarget(
            { transport, address: '127.0.0.1', port },
            'monitor',
            within(SOON_MS),
          );
          assert.ok(outcome.healthy, JSON.stringify(outcome));
          assert.is(outcome.healthy && outcome.reply.server, 'SIPp');
          assert.is(await ended, 0, errors);
        } finally {
          sipp.kill('SIGKILL');
        }
      }
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
);

test.run();
