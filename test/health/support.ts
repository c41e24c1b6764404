import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { readControlSettings } from '../../src/kamctl/kamctlrc.ts';
import { callRpc } from '../../src/kamctl/rpc.ts';
import { Deadline } from '../../src/lifetime/deadline.ts';
import type { InstanceOptions, TestInstance } from '../support/instance.ts';

/**
 * A Kamailio that speaks UDP, TCP and TLS on 127.0.0.1 and ::1, by the listen lines of its configuration;
 * TLS on the port above. Its certificate is made here and expires after `days`.
 */
export function allTransports(days = 90): InstanceOptions {
  return {
    params: { proto: 'conf_udptcp' },
    config: (port, directory) => {
      makeCertificate(directory, days);
      return `enable_tls=yes
loadmodule "tls.so"
modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "private_key", "${join(directory, 'key.pem')}")
modparam("tls", "certificate", "${join(directory, 'certificate.pem')}")
${['127.0.0.1', '[::1]']
  .flatMap((host) => [`udp:${host}:${port}`, `tcp:${host}:${port}`, `tls:${host}:${port + 1}`])
  .map((socket) => `listen=${socket}`)
  .join('\n')}`;
    },
  };
}

/** The sockets of `allTransports` as the parameter `probes` takes them. */
export function allProbes(port: number): string {
  return ['127.0.0.1', '[::1]']
    .map((host) => `udp:${host}:${port} tcp:${host}:${port} tls:${host}:${port + 1}`)
    .join(', ');
}

/** Makes a self-signed certificate with openssl, as an administrator would. */
function makeCertificate(directory: string, days: number): void {
  const [key, certificate] = [join(directory, 'key.pem'), join(directory, 'certificate.pem')];
  const subject = ['-subj', '/CN=ocf-kamailio-test', '-days', String(days)];
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, ...subject],
    { stdio: 'ignore' },
  );
  chmodSync(key, 0o644);
}

/** Pids of the processes of a Kamailio whose description (RPC core.psx) matches, such as `udp receiver`. */
export async function processesOf(instance: TestInstance, role: RegExp): Promise<number[]> {
  const settings = readControlSettings(instance.kamctlrc, instance.pidfile);
  const rows = await callRpc(
    settings,
    { uid: 0, gid: 0 },
    'core.psx',
    [],
    Deadline.sinceStart(1e9).sooner(5000),
  );
  assert.ok(Array.isArray(rows), 'core.psx lists processes');
  return rows.filter(({ DSC }) => role.test(DSC)).map(({ PID }) => Number(PID));
}
