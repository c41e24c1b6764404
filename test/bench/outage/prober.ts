/**
 * A caller outside the cluster: sends OPTIONS over UDP every 10 ms and prints, for each that is answered with
 * 200 within 500 ms, when it was sent (ms since 1970, one a line). An answer that comes later is none: RFC 3261
 * §17.1.2.2 has a caller send again after T1 = 500 ms, and a Kamailio that is woken up again only to be ended
 * answers what has piled up before it. Runs until it is ended.
 *
 *   node prober.ts ADDRESS PORT
 */
import { createSocket } from 'node:dgram';

const EVERY_MS = 10;
const T1_MS = 500;

const [address = '', port = '5060'] = process.argv.slice(2);
const run = `${process.pid}-${Date.now()}`;
const sentAt = new Map<number, number>();
let count = 0;

const socket = createSocket('udp4');
// The address is down for a while in most cases: what cannot be sent is not answered.
socket.on('error', () => {});
socket.on('message', (datagram) => {
  const [, number] =
    /^SIP\/2\.0 200 .*;branch=z9hG4bK-[\d-]+-(\d+)[;\r\s]/s.exec(datagram.toString('latin1')) ?? [];
  const sent = sentAt.get(Number(number));
  if (sent === undefined) return;
  sentAt.delete(Number(number));
  if (now() - sent <= T1_MS) process.stdout.write(`${sent.toFixed(1)}\n`);
});
socket.bind(0, () => setInterval(poll, EVERY_MS));

function poll(): void {
  count += 1;
  sentAt.set(count, now());
  sentAt.delete(count - T1_MS / EVERY_MS - 1);
  socket.send(options(`${run}-${count}`), Number(port), address, () => {});
}

/** ms since 1970, finer than Date.now() and never set back. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

function options(id: string): string {
  return [
    `OPTIONS sip:monitor@${address}:${port} SIP/2.0`,
    `Via: SIP/2.0/UDP 0.0.0.0:${socket.address().port};rport;branch=z9hG4bK-${id}`,
    'Max-Forwards: 70',
    `From: <sip:caller@invalid>;tag=${id}`,
    `To: <sip:monitor@${address}:${port}>`,
    `Call-ID: ${id}`,
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}
