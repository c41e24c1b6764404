import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeAddress, listeningSockets, rootSockets } from '../../src/process/sockets.ts';

test('an address of the socket table is read in the byte order of the machine', () => {
  for (const [little, big, address] of [
    ['0100007F', '7F000001', '127.0.0.1'],
    ['0A0200C0', 'C000020A', '192.0.2.10'],
    ['00000000', '00000000', '0.0.0.0'],
    ['B80D0120000000000000000001000000', '20010DB8000000000000000000000001', '2001:db8:0:0:0:0:0:1'],
    ['0000000000000000FFFF00000A0200C0', '00000000000000000000FFFFC000020A', '0:0:0:0:0:ffff:c000:20a'],
  ] as const) {
    assert.is(decodeAddress(little, 'LE'), address);
    assert.is(decodeAddress(big, 'BE'), address);
  }
});

test('a socket of this machine is listed with its address, and with root where root has opened it', async () => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  try {
    const { port } = socket.address();
    const [found, ...others] = listeningSockets().filter((listed) => listed.port === port);
    assert.is(found?.address, '127.0.0.1');
    assert.is(found?.uid, process.geteuid?.());
    assert.equal(others, []);
    assert.equal([...rootSockets(port)], process.geteuid?.() === 0 ? [found?.inode] : []);
    assert.equal([...rootSockets(undefined)], []);
  } finally {
    socket.close();
  }
});

test.run();
