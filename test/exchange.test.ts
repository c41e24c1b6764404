import { test } from 'uvu';
import { withInstance } from './support/calls.ts';
import { exchange } from './support/exchange.ts';
import type { InstanceOptions } from './support/instance.ts';
import { account } from './support/ordinary-user.ts';

for (const proto of ['udp', 'tcp', 'udptcp']) {
  test(`an instance changes hands between the agents both ways with proto=${proto}`, () =>
    withInstance({ params: { proto } }, exchange));
}

const OTHERS: readonly (readonly [string, InstanceOptions])[] = [
  ['kamuser', { ...account('kamailio'), params: { kamuser: 'kamailio' } }],
  ['kamuser and kamgroup', { ...account('kamailio'), params: { kamuser: 'kamailio', kamgroup: 'kamailio' } }],
  ['extra_options', { params: { extra_options: '-m 32 -M 4 -A OCF_TEST' } }],
  [
    'listen lines in the configuration',
    { params: { proto: 'conf_udp' }, config: (port) => `listen=udp:127.0.0.1:${port}` },
  ],
  ['the default pidfile', { resource: `ocfk_exchange_${process.pid}` }],
];

for (const [what, options] of OTHERS) {
  test(`an instance changes hands between the agents both ways with ${what}`, () =>
    withInstance(options, exchange));
}

test.run();
