import * as assert from 'uvu/assert';
import { createKamailio, KAMAILIO } from './testbed/kamailio.ts';
import { clusterSuite } from './testbed/suite.ts';

const { test, run } = clusterSuite('trace');

test('crm resource trace has monitors write traces where crmsh says, and untrace ends it', async (testbed) => {
  await createKamailio(testbed, { monitorInterval: 1 });
  const node = await testbed.untilRunning(KAMAILIO);
  const traces = '/var/lib/heartbeat/trace_ra/kamailio';
  const newest = async () => (await node.run(['sh', '-c', `ls ${traces} | tail -1`])).stdout.trim();
  try {
    await node.mustRun(['crm', 'resource', 'trace', KAMAILIO, 'monitor']);
    const name = await testbed.waitFor(async () => (await newest()) || undefined, 'a trace is written');
    assert.match(name, /^kamailio\.monitor\.\d{4}-\d\d-\d\d\.\d\d:\d\d:\d\d$/);
    const text = await testbed.waitFor(async () => {
      const trace = (await node.run(['cat', `${traces}/${name}`])).stdout;
      return trace.includes('exit code') ? trace : undefined;
    }, 'the trace is whole');
    assert.match(text, /polled udp:192\.0\.2\.10:5060: 200 after/);
    assert.match(text, /exit code 0/);
    await node.mustRun(['crm', 'resource', 'untrace', KAMAILIO, 'monitor']);
    await testbed.settle();
    assert.not.match(await node.mustRun(['cibadmin', '--query']), /trace_ra/);
    assert.equal((await testbed.state()).failures, []);
  } finally {
    for (const each of testbed.nodes) await each.run(['rm', '-rf', '/var/lib/heartbeat/trace_ra']);
  }
});

run();
