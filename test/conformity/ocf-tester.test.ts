import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeInstance } from '../support/instance.ts';
import { run, testWith, withProvider } from './support.ts';

const OCF_TESTER = '/usr/sbin/ocf-tester';

testWith(OCF_TESTER, '/usr/sbin/kamailio')(
  'ocf-tester passes with a real Kamailio (needs resource-agents and kamailio)',
  async () => {
    const instance = await makeInstance();
    try {
      const options = Object.entries(instance.params).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
      // It also calls the agent as nobody, who cannot reach a clone in root's home.
      await withProvider(async (provider) => {
        const agent = `/usr/lib/ocf/resource.d/${provider}/kamailio`;
        const { code, output } = await run(OCF_TESTER, ['-v', '-n', 'ocfk_tester', ...options, agent]);
        assert.is(code, 0, output);
        assert.match(output, /passed all tests/);
      });
      assert.equal(instance.pids(), []);
    } finally {
      await instance.dispose();
    }
  },
);

test.run();
