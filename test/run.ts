/**
 * Runs the suites, test/**\/*.test.ts, each as a process of its own, so that a suite that crashes or hangs takes
 * no other along. Three run at a time, see lanes.ts. Arguments pick files by a part of their path. The last line of
 * the output is `N passed, N failed`, with `, N skipped` where there were any.
 */
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { LANES, laneQueues } from './lanes.ts';

/** What came of one suite. */
interface Result {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What is wrong with the suite as a whole, such as a crash; empty when nothing is. */
  readonly trouble: string;
}

/** How the process of a suite ended, and what it printed. */
interface Termination {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why it was ended from here; empty when it was not. */
  readonly endedBecause: string;
  readonly output: string;
}

/**
 * How long a suite may be silent; each test prints a mark. Generous: a root of Debian is made before the first test,
 * and that takes minutes on a machine with other work. A limit for the whole suite would be a matter of load.
 */
const SILENCE_LIMIT_MS = 10 * 60_000;
/** How long a suite may live on after its last word; then it has left something open. */
const EXIT_LIMIT_MS = 30_000;
/** How long a suite that is late may take to clean up behind itself. */
const CLEAN_UP_MS = 10_000;
/** How long after a suite's end its last output is waited for: a server that it left behind holds the pipes open. */
const LAST_OUTPUT_MS = 1000;

const INTERRUPTS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
let interrupted = false;

const root = fileURLToPath(new URL('..', import.meta.url));

async function main(filters: readonly string[]): Promise<number> {
  const files = globSync('test/**/*.test.ts', { cwd: root })
    .sort()
    .filter((file) => filters.length === 0 || filters.some((part) => file.includes(part)));
  const width = Math.max(...files.map((file) => file.length), 0);
  const results: Result[] = [];
  const failures: string[] = [];
  const queues = laneQueues(files);
  const runLane = async (lane: number) => {
    for (let file = queues.next(lane); file !== undefined && !interrupted; file = queues.next(lane)) {
      const startedAt = performance.now();
      const ending = await runFile(file, lane);
      const result = judge(ending);
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      console.log(
        `${result.failed > 0 ? 'FAIL' : 'ok  '}  ${file.padEnd(width)}  ${seconds.padStart(5)} s  ${sum([result])}`,
      );
      if (result.failed > 0) {
        console.log(`${ending.output.trimEnd()}\n`);
        failures.push(`${file}\n${tellFailures(ending.output, result.trouble)}`);
      }
      results.push(result);
    }
  };
  await Promise.all(Array.from({ length: LANES }, (_, lane) => runLane(lane)));
  if (files.length === 0) console.log(`no suite is named like ${filters.join(', ') || 'test/**/*.test.ts'}`);
  // At the end once more: who reads a long log, or only its tail, finds them there.
  for (const failure of failures) console.log(`\nfailed: ${failure}`);
  console.log(`\n${sum(results)}`);
  return results.some(({ failed }) => failed > 0) || !results.some(({ passed }) => passed > 0) || interrupted
    ? 1
    : 0;
}

/** Runs one suite in a process group of its own: what it has called can be ended with it. */
function runFile(file: string, lane: number): Promise<Termination> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file], {
      cwd: root,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', TEST_LANE: String(lane) },
    });
    let output = '';
    let endedBecause = '';
    let cleanUp: NodeJS.Timeout | undefined;
    let exitLimit: NodeJS.Timeout | undefined;
    const end = (signal: NodeJS.Signals) => signalGroup(child.pid, signal);
    const giveUp = (why: string) => {
      endedBecause = why;
      end('SIGTERM');
      cleanUp ??= setTimeout(end, CLEAN_UP_MS, 'SIGKILL');
    };
    const silence = setTimeout(giveUp, SILENCE_LIMIT_MS, `silent for ${SILENCE_LIMIT_MS / 1000} s`);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        silence.refresh();
        clearTimeout(exitLimit);
        if (countTests(output).total > 0)
          exitLimit = setTimeout(giveUp, EXIT_LIMIT_MS, 'its tests were through, but it did not exit');
      });
    }
    const interrupt = (signal: NodeJS.Signals) => {
      interrupted = true;
      end(signal);
    };
    for (const name of INTERRUPTS) process.on(name, interrupt);
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      for (const name of INTERRUPTS) process.off(name, interrupt);
      const pipes = setTimeout(() => {
        for (const stream of [child.stdout, child.stderr]) stream.destroy();
      }, LAST_OUTPUT_MS);
      child.on('close', () => {
        for (const timer of [silence, exitLimit, cleanUp, pipes]) clearTimeout(timer);
        resolve({ code, signal, endedBecause, output });
      });
    });
  });
}

function signalGroup(leader: number | undefined, signal: NodeJS.Signals): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, signal);
  } catch {
    // Gone already.
  }
}

/** Judges a suite: one that crashed, hung, or ran nothing counts as one failure at least. */
function judge({ code, signal, endedBecause, output }: Termination): Result {
  const { total, passed, skipped } = countTests(output);
  const trouble = endedBecause
    ? `ended: ${endedBecause}`
    : signal
      ? `ended by ${signal}`
      : code !== 0 && total === passed
        ? `exit code ${code}, though no test failed`
        : total + skipped === 0
          ? 'no test ran'
          : '';
  return { passed, failed: Math.max(total - passed, trouble ? 1 : 0), skipped, trouble };
}

/** What uvu says of the tests that failed, which is the end of a suite's output, and what is wrong with the suite. */
function tellFailures(output: string, trouble: string): string {
  const [told = ''] = /^ +FAIL .*?(?=^ *Total: )/ms.exec(output) ?? [];
  return [told.trimEnd(), trouble && `  ${trouble}`].filter((text) => text !== '').join('\n');
}

/** Reads uvu's closing lines, all zero where there are none. */
function countTests(output: string): { total: number; passed: number; skipped: number } {
  const closing = /^ *Total: +(\d+)\s+Passed: +(\d+)\s+Skipped: +(\d+)/gm;
  const count = { total: 0, passed: 0, skipped: 0 };
  for (const [, total, passed, skipped] of output.matchAll(closing)) {
    count.total += Number(total);
    count.passed += Number(passed);
    count.skipped += Number(skipped);
  }
  return count;
}

function sum(results: readonly Result[]): string {
  const count = (of: (result: Result) => number) => results.reduce((total, result) => total + of(result), 0);
  const skipped = count((result) => result.skipped);
  return `${count((result) => result.passed)} passed, ${count((result) => result.failed)} failed${
    skipped > 0 ? `, ${skipped} skipped` : ''
  }`;
}

process.exitCode = await main(process.argv.slice(2));
