import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { listPids, readStat } from '../../src/process/procfs.ts';
import { replyTo, udpStandIn } from '../sip-probe/support.ts';
import type { Command } from './measure.ts';

const POLL_INTERVAL_MS = 50;

/**
 * The anonymous memory of a monitor and its children, MB: what it takes from the node by itself, without file
 * pages, which its next call shares. It is read while the monitor waits for one more answer, from a stand-in
 * that answers when the reading is done: ours has polled the Kamailio at `port` over UDP and TCP by then, and
 * asked its control plane; the shell agent runs its first sipsak. Ours ends with 1 then, for the socket is not
 * Kamailio's. Throws when a monitor ends otherwise.
 */
export async function anonymousMemory({ program, args, env }: Command, port: number): Promise<number> {
  let polled = () => {};
  const poll = new Promise<void>((resolve) => {
    polled = resolve;
  });
  let answer = () => {};
  const standIn = await udpStandIn((request, _count, reply) => {
    answer = () => reply(replyTo(request));
    polled();
  });
  try {
    const monitor = spawn(program, args, {
      env: { ...env, ...pollAlso(standIn.target.port, port) },
      stdio: 'ignore',
    });
    const end = new Promise<number | null>((resolve) => monitor.on('exit', resolve));
    await Promise.race([poll, end]);
    const memory = await settled(() => sumOf(monitor.pid ?? 0));
    answer();
    const code = await end;
    if (code !== 0 && code !== 1) throw new Error(`${program} monitor ended with ${code}`);
    return memory;
  } finally {
    await standIn.close();
  }
}

/** Parameters that have either agent poll the stand-in: ours besides Kamailio, the shell agent over UDP alone. */
function pollAlso(standIn: number, port: number): NodeJS.ProcessEnv {
  return {
    OCF_RESKEY_probes: `udp:127.0.0.1:${port} tcp:127.0.0.1:${port} udp:127.0.0.1:${standIn}`,
    OCF_RESKEY_port: `${standIn}`,
    OCF_RESKEY_proto: 'conf_udp',
  };
}

/** Reads until two readings are the same. */
async function settled(read: () => number): Promise<number> {
  for (let before = Number.NaN; ; ) {
    const now = read();
    if (now === before) return now;
    before = now;
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  }
}

function sumOf(pid: number): number {
  const stats = listPids().flatMap((one) => readStat(one) ?? []);
  const childrenOf = (parent: number): number[] =>
    stats.filter((stat) => stat.parent === parent).flatMap((stat) => [stat.pid, ...childrenOf(stat.pid)]);
  return [pid, ...childrenOf(pid)].reduce((sum, one) => sum + anonymousOf(one), 0);
}

/** proc(5), /proc/PID/smaps_rollup, in MB; 0 for a process that is gone. */
function anonymousOf(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return (Number(/^Anonymous: +(\d+) kB$/m.exec(text)?.[1]) * 1024) / 1e6;
  } catch {
    return 0;
  }
}
