import { allTransports } from '../health/support.ts';
import { makeInstance } from '../support/instance.ts';
import { prepareAgents } from './agents.ts';
import { type Command, interleave, median, run, series } from './measure.ts';
import type { Figure } from './report.ts';

/** Measures what more probes and a deeper check cost, on a Kamailio with UDP, TCP and TLS sockets of its own. */
export async function measureDepth(node: string, rounds: number): Promise<Figure[]> {
  const instance = await makeInstance(allTransports());
  try {
    const { ours } = prepareAgents(instance, node);
    const [udp, tcp, tls] = [
      `udp:127.0.0.1:${instance.port}`,
      `tcp:127.0.0.1:${instance.port}`,
      `tls:127.0.0.1:${instance.port + 1}`,
    ];
    const six = [udp, tcp, tls].flatMap((socket) => [socket, socket.replace('127.0.0.1', '[::1]')]).join(' ');
    const monitor = (probes: string, level: string): Command => {
      const command = ours('monitor');
      return { ...command, env: { ...command.env, OCF_RESKEY_probes: probes, OCF_CHECK_LEVEL: level } };
    };
    const one = series(monitor(udp, '10'));
    const oneTls = series(monitor(tls, '10'));
    const all = series(monitor(six, '10'));
    const deep = series(monitor(udp, '20'));
    await run(ours('start'));
    await interleave([one, oneTls, all, deep], rounds);
    await run(ours('stop'));
    const reference = median(one.times);
    return [
      { name: 'monitor with six probes / with one, UDP', ours: median(all.times), reference, bound: 1.5 },
      {
        name: 'monitor with six probes / with one, TLS',
        ours: median(all.times),
        reference: median(oneTls.times),
        bound: 1.5,
      },
      { name: 'monitor at level 20 / at level 10', ours: median(deep.times), reference, bound: 2 },
    ];
  } finally {
    await instance.dispose();
  }
}
