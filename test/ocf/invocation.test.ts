import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { operationDeadline, operationTimeout } from '../../src/actions/context.ts';
import { Failure } from '../../src/failure/failure.ts';
import { OCF_ERR_ARGS } from '../../src/ocf/exit-code.ts';
import { readInvocation } from '../../src/ocf/invocation.ts';

test("the executor's meta attributes are read", () => {
  const invocation = readInvocation(['monitor'], {
    OCF_RESOURCE_INSTANCE: 'sip:0',
    OCF_RESKEY_CRM_meta_timeout: '20000',
    OCF_CHECK_LEVEL: '20',
    HA_debug: '1',
  });
  assert.is(invocation.action, 'monitor');
  assert.is(invocation.instance, 'sip:0');
  assert.is(invocation.timeoutMs, 20_000);
  assert.is(invocation.checkLevel, 20);
  assert.is(invocation.debugging, true);
});

test('what nobody says has a default, and nonsense counts as nothing said', () => {
  for (const env of [
    {},
    {
      OCF_RESKEY_CRM_meta_timeout: 'soon',
      OCF_CHECK_LEVEL: '1e3',
      HA_debug: 'yes',
    },
    {
      OCF_RESKEY_CRM_meta_timeout: '0',
      OCF_CHECK_LEVEL: '',
      HA_debug: '0',
    },
  ]) {
    const invocation = readInvocation(['monitor'], env);
    assert.is(invocation.instance, 'default');
    assert.is(invocation.timeoutMs, undefined);
    assert.is(invocation.checkLevel, undefined);
    assert.is(invocation.debugging, false);
  }
});

test('flags may stand before or behind the action', () => {
  const invocation = readInvocation(['--port=1', 'stop', '--proto=udp', 'word'], {});
  assert.is(invocation.action, 'stop');
  assert.equal(invocation.flags, ['--port=1', '--proto=udp']);
});

test('no action is a Failure with the code for arguments', () => {
  try {
    readInvocation(['--port=1'], {});
    assert.unreachable();
  } catch (error) {
    assert.instance(error, Failure);
    assert.is(error instanceof Failure && error.code, OCF_ERR_ARGS);
  }
});

test("the verdict is due before the executor's own timeout", () => {
  for (const timeout of ['50', '5000', '20000', '60000']) {
    const invocation = readInvocation(['stop'], { OCF_RESKEY_CRM_meta_timeout: timeout });
    assert.ok(operationDeadline(invocation).at < Number(timeout));
    assert.ok(operationDeadline(invocation).at >= Number(timeout) * 0.9 - 1000);
  }
  assert.is(operationTimeout(readInvocation(['start'], {})), 60_000);
  assert.is(operationTimeout(readInvocation(['stop'], {})), 30_000);
  assert.is(operationTimeout(readInvocation(['monitor'], {})), 30_000);
});

test.run();
