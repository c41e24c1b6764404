import { createSocket, type SocketOptions } from 'node:dgram';
import { createServer } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { socketHolders } from '../../src/launch/socket-holders.ts';
import { readParams } from '../../src/params/parse.ts';
import { freePort } from '../support/ports.ts';

const ME = `by pid ${process.pid}`;

/** Who holds what an instance on 127.0.0.1 wanted, without the words about the process. */
function holders(port: number, words: readonly string[], printed = '', proto = 'udp'): string[] {
  const env = {
    OCF_RESKEY_listen_address: '127.0.0.1',
    OCF_RESKEY_port: String(port),
    OCF_RESKEY_proto: proto,
  };
  const params = readParams({
    action: 'start',
    operands: [],
    flags: [],
    env,
    instance: 'ocfk_test',
    timeoutMs: undefined,
    checkLevel: undefined,
    debugging: false,
  });
  return socketHolders(params, words, printed).map((text) => text.replace(/ \(.*$/, ''));
}

async function withUdp(
  options: SocketOptions,
  port: number,
  address: string,
  body: () => Promise<void> | void,
): Promise<void> {
  const socket = createSocket(options);
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.bind(port, address, resolve);
  });
  try {
    await body();
  } finally {
    socket.close();
  }
}

const IN_USE = ['bind(4, 0x7f, 16) on 127.0.0.1: Address already in use'];

test('a [::] that takes IPv6 alone is not in the way of an IPv4 address', async () => {
  const port = await freePort();
  await withUdp({ type: 'udp6', ipv6Only: true }, port, '::', () => assert.equal(holders(port, IN_USE), []));
  await withUdp({ type: 'udp6' }, port, '::', () =>
    assert.equal(holders(port, IN_USE), [`udp:[0:0:0:0:0:0:0:0]:${port} ${ME}`]),
  );
});

test('0.0.0.0 is in the way of an IPv4 address, and not of an IPv6 one', async () => {
  const port = await freePort();
  await withUdp({ type: 'udp4' }, port, '0.0.0.0', () => {
    assert.equal(holders(port, IN_USE), [`udp:0.0.0.0:${port} ${ME}`]);
    const ipv6 = `Listening on \n             udp: ::1:${port}\nAliases: \n`;
    assert.equal(holders(port, ['bind(4, 0x7f, 28) on ::1: Address already in use'], ipv6), []);
  });
});

test('an address of the port that Kamailio did not want is not named', async () => {
  const port = await freePort();
  await withUdp({ type: 'udp4' }, port, '127.0.0.77', () => assert.equal(holders(port, IN_USE), []));
});

test('a Kamailio that said nothing is explained by all that it wanted, with conf_* too', async () => {
  const port = await freePort();
  await withUdp({ type: 'udp4' }, port, '127.0.0.1', () => {
    const named = [`udp:127.0.0.1:${port} ${ME}`];
    assert.equal(holders(port, []), named);
    const listed = `Listening on \n             tcp: 127.0.0.1:9\n             udp: localhost [127.0.0.1]:${port}\nAliases: \n`;
    assert.equal(holders(5060, [], listed, 'conf_udptcp'), named);
    assert.equal(holders(5060, [], `Listening on \nAliases: \n   udp: 127.0.0.1:${port}\n`, 'conf_udp'), []);
  });
});

test('words that name address and port of a TLS socket lead to its holder', async () => {
  const port = await freePort();
  const server = createServer().listen(port, '::1');
  await new Promise((resolve) => server.once('listening', resolve));
  try {
    const listed = `Listening on \n             udp: 127.0.0.1:5060\n             tls: ::1:${port} advertise 192.0.2.1:5061\n`;
    const words = [`bind(9, 0x7f, 28) on ::1:${port} : Address already in use`];
    const named = [`tcp:[0:0:0:0:0:0:0:1]:${port} ${ME}`];
    assert.equal(holders(5060, words, listed, 'conf_udp'), named);
  } finally {
    server.close();
  }
});

test('words without an address that can be compared do not fail', async () => {
  const port = await freePort();
  const words = [
    'ctl: bind: Address already in use [98]',
    'bind() on fe80::1%eth0:5060 : Address already in use',
  ];
  await withUdp({ type: 'udp4' }, port, '127.0.0.1', () => assert.equal(holders(port, words), []));
  assert.equal(holders(port, words.slice(0, 1)), []);
});

test('other words name nobody, whoever holds the very address', async () => {
  const port = await freePort();
  await withUdp({ type: 'udp4' }, port, '127.0.0.1', () =>
    assert.equal(holders(port, ['jsonrpcs: cannot initialize']), []),
  );
});

test.run();
