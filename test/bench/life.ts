import type { TestInstance } from '../support/instance.ts';
import { type Command, median, type Run, run } from './measure.ts';
import { type Watch, watchForAnswer, watchForEnd } from './watch.ts';

/** Medians in ms of an agent's start and stop. */
export interface LifeTimes {
  readonly start: number;
  /** From the call of start to the first 200 that somebody else saw: for so long callers wait. */
  readonly startToAnswer: number;
  /** From the first 200 that somebody else saw to the return of start. */
  readonly startAfterAnswer: number;
  readonly stop: number;
  /** From the end of the last process to the return of stop. */
  readonly stopAfterEnd: number;
}

type Times = { [Name in keyof LifeTimes]: number[] };

/** The command of an agent, for an action. */
type Agent = (action: string) => Command;

/** Lets two agents start and stop the instance in turn, one pair more than counted, the first to warm up. */
export async function measureLife(
  instance: TestInstance,
  ours: Agent,
  other: Agent,
  pairs: number,
): Promise<{ ours: LifeTimes; other: LifeTimes }> {
  const times = { ours: noTimes(), other: noTimes() };
  for (let pair = 0; pair <= pairs; pair += 1) {
    await liveOnce(instance, ours, pair > 0 ? times.ours : noTimes());
    await liveOnce(instance, other, pair > 0 ? times.other : noTimes());
  }
  return { ours: medians(times.ours), other: medians(times.other) };
}

async function liveOnce(instance: TestInstance, command: Agent, times: Times): Promise<void> {
  const start = await runWatched(command('start'), watchForAnswer(instance.port));
  times.start.push(start.milliseconds);
  times.startToAnswer.push(start.milliseconds - start.sinceSeen);
  times.startAfterAnswer.push(start.sinceSeen);
  const identity = { binary: '/usr/sbin/kamailio', pidfile: instance.pidfile };
  const stop = await runWatched(command('stop'), watchForEnd(identity, instance.pids()));
  times.stop.push(stop.milliseconds);
  times.stopAfterEnd.push(stop.sinceSeen);
  if (instance.pids().length > 0) throw new Error('stop left processes of the instance');
}

/** Runs a command beside a watch; `sinceSeen` is how long after the watched moment it returned, ms. */
async function runWatched(command: Command, watch: Watch): Promise<Run & { sinceSeen: number }> {
  try {
    const done = await run(command);
    // What the watch has not seen by now came at most a look before the return.
    return { ...done, sinceSeen: done.endedAt - (watch.seenAt ?? done.endedAt) };
  } finally {
    watch.close();
  }
}

function noTimes(): Times {
  return { start: [], startToAnswer: [], startAfterAnswer: [], stop: [], stopAfterEnd: [] };
}

function medians(times: Times): LifeTimes {
  return {
    start: median(times.start),
    startToAnswer: median(times.startToAnswer),
    startAfterAnswer: median(times.startAfterAnswer),
    stop: median(times.stop),
    stopAfterEnd: median(times.stopAfterEnd),
  };
}
