import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { readControlSettings } from '../../src/kamctl/kamctlrc.ts';
import { callRpc } from '../../src/kamctl/rpc.ts';
import { within } from '../support/deadline.ts';
import type { InstanceOptions, TestInstance } from '../support/instance.ts';

/**
 * A Kamailio that speaks UDP, TCP and TLS on 127.0.0.1 and ::1, or on other `hosts`, by the listen lines of its
 * configuration; TLS on the port above. Its certificate is made here and expires after `days`.
 */
export function allTransports(days = 90, hosts: readonly string[] = ['127.0.0.1', '[::1]']): InstanceOptions {
  return {
    params: { proto: 'conf_udptcp' },
    config: (port, directory) => {
      makeCertificate(directory, days);
      return `enable_tls=yes
loadmodule "tls.so"
modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "private_key", "${join(directory, 'key.pem')}")
modparam("tls", "certificate", "${join(directory, 'certificate.pem')}")
${hosts
  .flatMap((host) => [`udp:${host}:${port}`, `tcp:${host}:${port}`, `tls:${host}:${port + 1}`])
  .map((socket) => `listen=${socket}`)
  .join('\n')}`;
    },
  };
}

/**
 * A gateway for WebRTC: WebSockets on a tcp socket and, on the port above, on a tls socket, which takes those alone who
 * show its own certificate. A path that it does not know, or that is answered with a page or not at all, is for
 * handshakes that fail. With `msrp` it takes that subprotocol alone. It listens on `host`, and over TCP on ::1 as well.
 */
export function webSockets(subprotocol: 'sip' | 'msrp' = 'sip', host = '127.0.0.1'): InstanceOptions {
  return {
    params: { proto: 'conf_udptcp' },
    route: `if ($rU == "quiet") drop;
  if ($rU == "stranger") { sl_send_reply("403", "No"); exit; }
  sl_send_reply("200", "OK");`,
    config: (port, directory) => {
      makeCertificate(directory, 90);
      return `enable_tls=yes
tcp_accept_no_cl=yes
loadmodule "tls.so"
loadmodule "xhttp.so"
loadmodule "msrp.so"
loadmodule "websocket.so"
modparam("websocket", "sub_protocols", ${subprotocol === 'sip' ? 1 : 2})
modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "private_key", "${join(directory, 'key.pem')}")
modparam("tls", "certificate", "${join(directory, 'certificate.pem')}")
modparam("tls", "ca_list", "${join(directory, 'certificate.pem')}")
modparam("tls", "verify_certificate", 1)
modparam("tls", "require_certificate", 1)
bind_ipv6_link_local=1
listen=udp:${host}:${port}
listen=tcp:${host}:${port}
listen=tcp:[::1]:${port}
listen=tls:${host}:${port + 1}
event_route[xhttp:request] {
  if ($hu == "/silent") { set_reply_no_connect(); return; }
  if ($hu == "/page") { xhttp_reply("200", "OK", "text/html", "<p>no WebSocket</p>"); exit; }
  if ($hu != "/" && $hu != "/sip?v=1") { xhttp_reply("404", "No such path", "", ""); exit; }
  ws_handle_handshake();
}`;
    },
  };
}

/** The client certificate that `webSockets` takes, as parameters. */
export function ownCertificate({ directory }: TestInstance): Record<string, string> {
  return {
    probe_tls_cert: join(directory, 'certificate.pem'),
    probe_tls_key: join(directory, 'key.pem'),
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
  const rows = await askKamailio(instance, 'core.psx');
  assert.ok(Array.isArray(rows), 'core.psx lists processes');
  return rows.filter(({ DSC }) => role.test(DSC)).map(({ PID }) => Number(PID));
}

/** The result of a call of the control plane. */
export function askKamailio(
  { kamctlrc, pidfile }: TestInstance,
  method: string,
  params: readonly string[] = [],
): Promise<unknown> {
  const deadline = within(20_000);
  return callRpc(readControlSettings(kamctlrc, pidfile), { uid: 0, gid: 0 }, method, params, deadline);
}
