import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { holdersBeforeStart } from '../../src/checks/whose-socket.ts';
import { readParams } from '../../src/params/parse.ts';
import { listeningSockets } from '../../src/process/sockets.ts';
import { terminateInstance } from '../../src/process/terminate.ts';
import { invoke } from '../params/support.ts';
import { within } from '../support/deadline.ts';
import { withThreads } from './support.ts';

const paramsOf = (port: number) => readParams(invoke({ listen_address: '127.0.0.1', port: String(port) }));

const isHeld = (port: number) => listeningSockets(['udp']).some((socket) => socket.port === port);

test('a process of several threads has ended when the last of them has, and its sockets are free', () =>
  withThreads(async ({ path, pidfile, port }) => {
    assert.ok(isHeld(port));
    const ended = await terminateInstance({ binary: path, pidfile }, within(20_000), within(20_000));
    assert.equal(ended, { found: 1, killedBecause: undefined, survivors: [] });
    assert.not(isHeld(port));
  }));

test('a socket that is let go of within moments keeps no start from its launch', async () => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  const looking = holdersBeforeStart(paramsOf(port), within(20_000));
  socket.close();
  assert.equal(await looking, []);
});

test('a socket that stays in use keeps a start from its launch', async () => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  try {
    const { port } = socket.address();
    const [problem, ...others] = await holdersBeforeStart(paramsOf(port), within(20_000));
    assert.match(problem?.seen ?? '', `in use: udp:127.0.0.1:${port} by pid ${process.pid} `);
    assert.equal(others, []);
  } finally {
    socket.close();
  }
});

test.run();
