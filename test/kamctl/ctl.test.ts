import { renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Failure } from '../../src/failure/failure.ts';
import { decodePacket, encodeRequest } from '../../src/kamctl/binrpc.ts';
import { callCtl } from '../../src/kamctl/ctl.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { within } from '../support/deadline.ts';
import type { TestInstance } from '../support/instance.ts';
import { signalAll } from '../support/processes.ts';
import { useCtlAlone } from './ctl-alone.ts';

/** Runs `body` with a Kamailio that loads ctl and no jsonrpcs. */
async function withCtl(body: (instance: TestInstance, socket: string) => Promise<void>): Promise<void> {
  await withInstance({}, (instance) => body(instance, useCtlAlone(instance)));
}

test("a Kamailio with ctl alone is started, asked over ctl's socket at each level, and diagnosed", () =>
  withCtl(async (instance, socket) => {
    assertCall(await call(instance, 'start'), 0);
    for (const level of ['10', '20'])
      assertCall(await call(instance, 'monitor', {}, { env: { OCF_CHECK_LEVEL: level } }), 0);
    const { stdout } = await call(instance, 'diagnose');
    assert.match(stdout, new RegExp(`ok +control plane +up for \\d+ s, says ${socket}, on which this`));
    assert.match(stdout, /ok +predictions +nothing predicts a failure \(/);
    const blind = await call(instance, 'diagnose', { kamctlrc: '' });
    assert.match(blind.stdout, /ok +predictions +.*the shared memory cannot be seen without a control plane/);
    const methods = await callCtl(socket, 'system.listMethods', [], within(20_000));
    assert.ok(methods.length > 50 && methods.includes('core.uptime'), 'a long reply is read whole');
    assertCall(await call(instance, 'stop'), 0);
  }));

test('a ctl process that hangs, and what is in the place of its socket, are told with what to do', () =>
  withCtl(async (instance, socket) => {
    assertCall(await call(instance, 'start'), 0);
    const rows = await callCtl(socket, 'core.ps', [], within(20_000));
    const pid = rows[rows.indexOf('ctl handler') - 1];
    assert.type(pid, 'number');
    signalAll([Number(pid)], 'SIGSTOP');
    const hung = await call(instance, 'monitor', { probe_timeout: '1' });
    assertCall(
      hung,
      1,
      new RegExp(`control plane: no reply to core\\.ps over ${socket}; .*restart the resource`),
    );
    signalAll([Number(pid)], 'SIGCONT');
    renameSync(socket, `${socket}.own`);
    const reasons: readonly (readonly [() => void, RegExp])[] = [
      [() => writeFileSync(socket, ''), /is not a socket/],
      [() => symlinkSync(`${socket}.own`, socket), /is not a socket/],
    ];
    const removed = await call(instance, 'monitor');
    assertCall(
      removed,
      190,
      new RegExp(`the socket ${socket} on which this Kamailio answers was removed; find`),
    );
    writeFileSync(instance.kamctlrc, `RPCCTLSOCKET=${socket}.other\n`);
    assertCall(await call(instance, 'monitor'), 1, /does not exist; load ctl\.so .*RPCCTLSOCKET in kamctlrc/);
    writeFileSync(instance.kamctlrc, `RPCCTLSOCKET=${socket}\n`);
    for (const [put, reason] of reasons) {
      put();
      assertCall(await call(instance, 'monitor'), 1, reason);
      rmSync(socket, { force: true });
    }
    renameSync(`${socket}.own`, socket);
    assertCall(await call(instance, 'monitor'), 0);
  }));

test('an answer of another Kamailio on the socket does not count, and neither does noise', () =>
  withCtl(async (instance, socket) => {
    assertCall(await call(instance, 'start'), 0);
    await withCtl(async (other, otherSocket) => {
      assertCall(await call(other, 'start'), 0);
      renameSync(otherSocket, socket);
      const reason = new RegExp(
        `the socket ${socket} is answered by pid ${other.mainPid()} .*${other.pidfile}`,
      );
      assertCall(await call(instance, 'monitor'), 1, reason);
    });
    rmSync(socket);
    const server = createServer((connection) => {
      connection.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    try {
      assertCall(await call(instance, 'monitor'), 1, /the reply is not BINRPC; find out what listens/);
    } finally {
      server.close();
    }
  }));

test('a method that Kamailio does not have is told with its words', () =>
  withCtl(async (instance, socket) => {
    assertCall(await call(instance, 'start'), 0);
    const asked = callCtl(socket, 'no.such', [], within(20_000));
    const message = await asked.then(String, (error: unknown) => String(error));
    assert.match(message, /no\.such over .* was answered with an error: 500 command no\.such not found/);
  }));

test('a reply is read in any form that its sizes can have, and no bytes bring the reader down', () => {
  // 0x1234 with its size in the first byte and behind it, a list, a struct with a string.
  const records = ['201234', 'a000021234', '04100184', '032573004161626300' + '83'];
  const body = Buffer.from(records.join(''), 'hex');
  const packet = Buffer.concat([Buffer.from([0xa1, 0x10, body.length, 7]), body]);
  assert.equal(decodePacket(packet), {
    kind: 'reply',
    cookie: 7,
    values: [0x1234, 0x1234, [1], { s: 'abc' }],
  });
  for (let length = 0; length < packet.length; length += 1)
    assert.is(decodePacket(packet.subarray(0, length)), undefined);
  // Kamailio's own form of a request has shorter sizes; it takes these.
  assert.is(encodeRequest('a', [], 5).toString('hex'), 'a10f0000000500000005a100026100');
  for (let round = 0; round < 3000; round += 1) {
    const noise = Buffer.from(Array.from({ length: 40 }, () => Math.floor(Math.random() * 256)));
    Buffer.from('a11020', 'hex').copy(noise);
    try {
      decodePacket(noise);
    } catch (error) {
      assert.instance(error, Failure);
    }
  }
});

test.run();
