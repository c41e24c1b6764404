import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertCall, call, withInstance } from '../support/calls.ts';
import type { TestInstance } from '../support/instance.ts';
import { account, ordinaryUser } from '../support/ordinary-user.ts';

/** Makes a certificate that signs itself, NAME.pem and NAME.key, in a directory. */
function makeCertificate(directory: string, name: string): void {
  const words = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '90',
  ];
  const files = ['-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.pem`];
  const made = spawnSync('openssl', [...words, ...files], { cwd: directory, encoding: 'utf8' });
  if (made.status !== 0) throw new Error(made.stderr);
}

/** A Kamailio whose tls socket takes those alone who show the certificate `trunk`. */
async function withTrunk(
  body: (instance: TestInstance, directory: string, probes: string) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync('/tmp/ocf-kamailio-tls-');
  chmodSync(directory, 0o755);
  try {
    for (const name of ['server', 'trunk', 'stranger']) makeCertificate(directory, name);
    const config = (port: number) => `enable_tls=yes
listen=tls:127.0.0.1:${port + 1}
loadmodule "tls.so"
modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "private_key", "${directory}/server.key")
modparam("tls", "certificate", "${directory}/server.pem")
modparam("tls", "ca_list", "${directory}/trunk.pem")
modparam("tls", "verify_certificate", 1)
modparam("tls", "require_certificate", 1)`;
    await withInstance({ config }, async (instance) => {
      const probes = `udp:127.0.0.1:${instance.port} tls:127.0.0.1:${instance.port + 1}`;
      await body(instance, directory, probes);
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function pair(directory: string, name: string): { probe_tls_cert: string; probe_tls_key: string } {
  return { probe_tls_cert: join(directory, `${name}.pem`), probe_tls_key: join(directory, `${name}.key`) };
}

test('a trunk that requires a certificate is polled with one, and without one the reason names the parameters', () =>
  withTrunk(async (instance, directory, probes) => {
    assertCall(await call(instance, 'start', { probes, ...pair(directory, 'trunk') }), 0);
    assertCall(await call(instance, 'monitor', { probes, ...pair(directory, 'trunk') }), 0);
    assertCall(await call(instance, 'monitor', { probes }), 1, /set probe_tls_cert and probe_tls_key/);
    assertCall(
      await call(instance, 'monitor', { probes, ...pair(directory, 'stranger') }),
      1,
      /tls:127\.0\.0\.1/,
    );
    assertCall(await call(instance, 'stop'), 0);
  }));

test('a certificate that cannot be used costs no service, and is refused by start and validate-all', () =>
  withTrunk(async (instance, directory, probes) => {
    assertCall(await call(instance, 'start', { probes, ...pair(directory, 'trunk') }), 0);
    writeFileSync(join(directory, 'text.pem'), 'no certificate\n');
    const trunk = pair(directory, 'trunk');
    const unusable: readonly (readonly [Record<string, string>, number, RegExp])[] = [
      [{ ...trunk, probe_tls_key: '/nowhere/key' }, 5, /ENOENT.*\/nowhere\/key/],
      [{ ...trunk, probe_tls_key: join(directory, 'stranger.key') }, 6, /not a pair/],
      [{ ...trunk, probe_tls_cert: join(directory, 'text.pem') }, 6, /not PEM/],
      [
        { probe_tls_cert: trunk.probe_tls_cert },
        6,
        /probe_tls_cert: is set, but probe_tls_key is not; set both, or none/,
      ],
      [{ probe_tls_key: trunk.probe_tls_key }, 6, /probe_tls_key: is set, but probe_tls_cert is not/],
    ];
    for (const [params, code, reason] of unusable) {
      for (const action of ['validate-all', 'start'])
        assertCall(await call(instance, action, { probes, ...params }), code, reason);
      if (params.probe_tls_cert && params.probe_tls_key)
        assertCall(await call(instance, 'monitor', { probes, ...params }), 190, reason);
      assertCall(await call(instance, 'stop', { ...params, pidfile: `${instance.pidfile}.other` }), 0);
    }
    assert.ok(instance.pids().length > 0);
    assertCall(await call(instance, 'stop'), 0);
  }));

test('a key that the caller may not read is a matter of permissions', () =>
  withTrunk(async (instance, directory, probes) => {
    chownSync(join(directory, 'trunk.key'), 0, 0);
    chmodSync(join(directory, 'trunk.key'), 0o600);
    const { uid, gid } = account('nobody');
    const user = ordinaryUser(instance.directory);
    const options = { agent: user.agent, uid, gid, env: { PATH: user.path } };
    const params = { probes, ...pair(directory, 'trunk'), kamctlrc: '' };
    assertCall(await call(instance, 'validate-all', params, options), 4, /EACCES|permission denied/i);
  }));

test.run();
