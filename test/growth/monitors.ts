import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepareAgents } from '../bench/agents.ts';
import { type Command, run } from '../bench/measure.ts';
import { makeInstance, type TestInstance } from '../support/instance.ts';

/** An instance that runs, and the monitors of both agents for it. */
export interface Pair {
  readonly instance: TestInstance;
  readonly ours: Command;
  readonly shell: Command;
}

/** What one run took, ms. */
export interface Cost {
  readonly wall: number;
  /** Of the program and all it called. */
  readonly cpu: number;
}

/** Clock ticks of proc(5) are hundredths of a second on all that we run on. */
const TICK_MS = 10;

/** Runs `body` with so many instances, all started; they are gone afterwards. */
export async function withInstances<T>(
  count: number,
  body: (pairs: readonly Pair[]) => Promise<T>,
): Promise<T> {
  const instances: TestInstance[] = [];
  try {
    const pairs: Pair[] = [];
    for (let number = 0; number < count; number += 1) {
      const instance = await makeInstance();
      instances.push(instance);
      const agents = prepareAgents(instance, process.execPath);
      await run(agents.ours('start'));
      const logged = (command: Command): Command => ({
        ...command,
        env: { ...command.env, ...logsOf(instance) },
      });
      pairs.push({ instance, ours: logged(agents.ours('monitor')), shell: logged(agents.shell('monitor')) });
    }
    return await body(pairs);
  } finally {
    for (const instance of instances) await instance.dispose();
  }
}

/** The log files of a resource agent, and where its output goes: all in the instance's directory. */
function logsOf({ directory }: TestInstance): NodeJS.ProcessEnv {
  return {
    HA_LOGFILE: join(directory, 'log'),
    HA_DEBUGLOG: join(directory, 'debug'),
    OUTPUT: join(directory, 'output'),
  };
}

/** Runs a monitor, its output going to the file that OUTPUT names. Throws when it exits with anything but 0. */
export async function costOf({ program, args, env }: Command): Promise<Cost> {
  const output = openSync(env.OUTPUT ?? '/dev/null', 'a');
  const [startedAt, cpuBefore] = [performance.now(), childrensCpu()];
  try {
    const child = spawn(program, args, { env, stdio: ['ignore', output, output] });
    const code = await new Promise((resolve, reject) => child.on('error', reject).on('exit', resolve));
    if (code !== 0)
      throw new Error(`${program} monitor ended with ${code}: ${readFileSync(env.OUTPUT ?? '', 'utf8')}`);
    return { wall: performance.now() - startedAt, cpu: childrensCpu() - cpuBefore };
  } finally {
    closeSync(output);
  }
}

/** CPU time of all children that have ended and been waited for, ms. */
function childrensCpu(): number {
  const text = readFileSync('/proc/self/stat', 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) * TICK_MS;
}
