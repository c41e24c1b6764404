import { existsSync } from 'node:fs';
import type { Problem } from '../failure/failure.ts';
import type { Params } from '../interface/parameters.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { ownProgram } from '../system/own-file.ts';
import { startProgram } from '../system/program.ts';
import { NOTHING_POLLED, type PollReport } from './health.ts';

/** What an agent inside of another network namespace is to poll. */
export interface Order {
  readonly params: Params;
  readonly mainPid: number | undefined;
  readonly anyReply: boolean;
  /** ms */
  readonly limitMs: number;
}

/** The variable that holds the order, as JSON; the report comes as JSON on stdout. */
export const ORDER = 'OCF_KAMAILIO_POLL';

const NSENTER = ['/usr/bin/nsenter', '/bin/nsenter'] as const;
/** Kept back for the start of the agent inside, and for its report, ms; no more than a half of what there is. */
const AROUND_MS = 1500;

/**
 * Has this very agent poll inside of a network namespace, whose sockets and addresses no process outside reaches. What
 * keeps it from polling says nothing about Kamailio, and is `unchecked`.
 */
export async function pollInside(
  namespace: string,
  order: Omit<Order, 'limitMs'>,
  deadline: Deadline,
): Promise<PollReport> {
  const nsenter = NSENTER.find((path) => existsSync(path));
  if (nsenter === undefined)
    return unpolled('there is no nsenter on this node', 'install the package util-linux');
  const limitMs = deadline.remaining - Math.min(AROUND_MS, deadline.remaining / 2);
  const env = { PATH: process.env.PATH, [ORDER]: JSON.stringify({ ...order, limitMs }) };
  const words = [`--net=${namespace}`, '--', ...ownProgram(), 'poll'];
  const { code, stdout, said } = await startProgram(nsenter, words, env, deadline).end;
  if (code === 0) {
    const report: PollReport = JSON.parse(stdout);
    return report;
  }
  return unpolled(`sockets in ${namespace} could not be polled: ${said}`, 'call the agent as root');
}

function unpolled(seen: string, remedy: string): PollReport {
  const problem: Problem = { where: 'network namespace', seen, remedy };
  return { ...NOTHING_POLLED, unchecked: [problem] };
}
