import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { AGENT } from '../support/agent.ts';
import { makeInstance } from '../support/instance.ts';
import { run, testWith } from './support.ts';

const OCF_TESTER = '/usr/sbin/ocf-tester';

testWith(OCF_TESTER, '/usr/sbin/kamailio')(
  'ocf-tester passes with a real Kamailio (needs resource-agents and kamailio)',
  async () => {
    const instance = await makeInstance();
    try {
      const options = Object.entries(instance.params).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
      const { code, output } = await run(OCF_TESTER, ['-v', '-n', 'ocfk_tester', ...options, AGENT]);
      assert.is(code, 0, output);
      assert.match(output, /passed all tests/);
      assert.equal(instance.pids(), []);
    } finally {
      await instance.dispose();
    }
  },
);

test.run();
