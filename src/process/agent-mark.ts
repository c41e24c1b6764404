import { readStat } from './procfs.ts';

/**
 * This agent as a part of a file's name: its pid and its start time. The executor ends a late agent by SIGKILL,
 * which leaves it no time to clean up. The mark shows a later agent that nobody uses the file any more.
 */
export function agentMark(): string {
  return `${process.pid}_${readStat('self')?.startTime || 0}`;
}

/** Digits of a mark in a regular expression: pid and start time. */
export const MARK_PATTERN = String.raw`(\d{1,10})_(\d{1,20})`;

/** Whether the agent with this mark is gone. Its pid may belong to another process by now: the start time decides. */
export function isGone(pid: string, startTime: string): boolean {
  return readStat(Number(pid))?.startTime !== startTime;
}
