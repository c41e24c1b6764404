import { createSocket } from 'node:dgram';
import type { Deadline } from '../lifetime/deadline.ts';
import { isIPv6Literal } from '../text/socket-address.ts';
import { answers, headOf, parseReply, type Reply } from './reply.ts';
import { composeOptions, type OptionsRequest } from './request.ts';
import type { Target } from './target.ts';

/** RFC 3261 §17.1.2.2: a request over UDP is sent again after T1, then at double the interval up to T2. ms */
const T1_MS = 500;
const T2_MS = 4000;

/**
 * Polls a target over UDP and returns the final reply; undefined when none comes by `deadline`.
 * Provisional replies and datagrams that answer something else are waited out. Throws the socket's error;
 * ECONNREFUSED is the ICMP message that nobody listens there.
 */
export function pollUdp(target: Target, user: string, deadline: Deadline): Promise<Reply | undefined> {
  return new Promise((resolve, reject) => {
    const family = isIPv6Literal(target.address) ? 6 : 4;
    const socket = createSocket({
      type: `udp${family}`,
      // Addresses are literals: the DNS, and the module for it, stay out of a monitor.
      lookup: (address, _options, found) => found(null, address, family),
    });
    let proceeding = false;
    let resend: NodeJS.Timeout | undefined;
    const expiry = setTimeout(() => finish(() => resolve(undefined)), deadline.remaining);
    const finish = (settle: () => void) => {
      clearTimeout(expiry);
      clearTimeout(resend);
      socket.close();
      settle();
    };
    socket.on('error', (error) => finish(() => reject(error)));
    // A connected socket takes datagrams from the target alone, and hears of its ICMP errors.
    socket.connect(target.port, target.address);
    socket.on('connect', () => {
      const request = composeOptions(target, user, socket.address());
      socket.on('message', (datagram) => {
        const reply = parseReply(headOf(datagram));
        if (!reply || !answers(reply, request)) return;
        if (reply.status >= 200) finish(() => resolve(reply));
        else proceeding = true;
      });
      const send = (interval: number, { bytes }: OptionsRequest) => {
        socket.send(bytes);
        // Once the server has said that it works on it, T2 is soon enough (timer E in "Proceeding").
        const next = proceeding ? T2_MS : Math.min(interval * 2, T2_MS);
        resend = setTimeout(() => send(next, request), interval);
      };
      send(T1_MS, request);
    });
  });
}
