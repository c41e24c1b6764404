import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ENVIRONMENT } from '../../src/interface/environment.ts';
import { readEnvironment } from '../../src/process/procfs.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';

/** It is rejected without SITE, and refuses polls unless SITE is berlin. */
const READS_SITE = {
  config: '#!defenv SITE',
  route:
    'if ($env(SITE) == "berlin") { sl_send_reply("200", "OK"); exit; }\n  sl_send_reply("404", "Not here");',
};

test('kamailio.cfg reads what the parameter environment sets, and nothing of it is expanded', () =>
  withInstance(READS_SITE, async (instance) => {
    const literal = 'a b $HOME $(id) `id` * ;';
    const environment = `SITE=berlin "LITERAL=${literal.replaceAll('`', '\\`').replaceAll('$', '\\$')}" EMPTY= LITERAL2='$HOME'`;
    assertCall(await call(instance, 'validate-all', { environment }), 0);
    assertCall(await call(instance, 'start', { environment }), 0);
    assertCall(await call(instance, 'monitor', { environment }), 0);
    const found = readEnvironment(instance.mainPid()) ?? [];
    for (const one of ['SITE=berlin', `LITERAL=${literal}`, 'EMPTY=', 'LITERAL2=$HOME'])
      assert.ok(found.includes(one), one);
    // It can be changed by a restart alone: what runs is not touched, whatever the value.
    const refused = { environment: 'SITE=berlin LD_PRELOAD=/tmp/x.so' };
    const reason = /holds LD_PRELOAD, with which the system loads other code/;
    assertCall(await call(instance, 'monitor', refused), 190, reason);
    assertCall(await call(instance, 'stop', refused), 0);
    assertCall(await call(instance, 'start', refused), 6, reason);
    assertCall(await call(instance, 'start'), 2, /SITE/);
  }));

for (const [text, reason] of [
  ['LD_PRELOAD=/tmp/x.so', /holds LD_PRELOAD/],
  ['A=1 LD_LIBRARY_PATH=/tmp', /holds LD_LIBRARY_PATH/],
  ['GCONV_PATH=/tmp', /holds GCONV_PATH/],
  ['OCF_KAMAILIO_LAUNCH=1', /holds OCF_KAMAILIO_LAUNCH, which is the cluster's/],
  ['A=1\nB=2', /control character/],
  ['"A=1\nB=2"', /control character/],
  ['A', /"A" is no NAME=value/],
  ['=b', /"" is no NAME=value/],
  ['1A=b', /"1A" is no NAME=value/],
  ['A-B=c', /"A-B" is no NAME=value/],
  ['A=b c', /"c" is no NAME=value/],
  ['A="b', /ends inside a quote/],
] as const) {
  test(`environment=${JSON.stringify(text)} is refused`, () => {
    assert.throws(() => ENVIRONMENT.parse(text), reason);
  });
}

test.run();
