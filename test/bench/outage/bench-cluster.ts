/**
 * Measures what callers notice of a failure, in five columns: the shell agent, this agent without and with its watcher,
 * this agent with a monitor every second, and keepalived. Polls from outside every 10 ms, in one testbed of three nodes.
 *
 *   node test/bench/outage/bench-cluster.ts [--runs=N] [--case=PATTERN] [--column=PATTERN] [--anew] [--publish] [--demo]
 *
 * Each case is measured until it has N runs (10) in each column; the patterns take only what they match. All runs are
 * kept in dist/bench-cluster.json, so a bench can be made in pieces, and a command that was broken off or in which something
 * failed is called again to fill in what is missing; --anew forgets them first. Prints the table of what
 * was measured so far, and writes dist/outage.svg. With --publish they go into packaging/doc. --demo
 * keeps nothing and prints the runs alone.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { SERVICE_ADDRESS } from '../../cluster/testbed/configuration.ts';
import type { Program } from '../../cluster/testbed/enter.ts';
import { openTestbed } from '../../cluster/testbed/open.ts';
import type { Testbed } from '../../cluster/testbed/testbed.ts';
import { CASES, type Case } from './cases.ts';
import { chart } from './chart.ts';
import { COLUMNS, type Column } from './columns.ts';
import { createKeepalived, endKeepalived, keepalivedService } from './keepalived.ts';
import { measureCase } from './measure-case.ts';
import { createResources, pacemakerService } from './pacemaker.ts';
import { Results } from './results.ts';
import { outageTable } from './table.ts';

const DIST = new URL('../../../dist/', import.meta.url);
const PAGES = new URL('../../../packaging/doc/', import.meta.url);
/** The table is between these two lines of the page. */
const TABLE = /(<!-- npm run bench:cluster writes this table -->\n).*?(<!-- end of the table -->\n)/s;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '10' },
    case: { type: 'string', default: '' },
    column: { type: 'string', default: '' },
    anew: { type: 'boolean', default: false },
    publish: { type: 'boolean', default: false },
    demo: { type: 'boolean', default: false },
  },
});

async function main(): Promise<void> {
  const results = new Results(values.demo ? 'apart' : values.anew ? 'anew' : 'continued');
  const runs = Number(values.runs);
  const columns = COLUMNS.filter(({ name }) => new RegExp(values.column).test(name));
  const cases = CASES.filter(({ name }) => new RegExp(values.case).test(name));
  const todo = columns.flatMap((column) =>
    cases
      .filter((one) => !(one.isOfPacemaker && column.keeper === 'keepalived'))
      .filter((one) => results.count(one, column) < runs)
      .map((one) => ({ column, one }))
      // What is arranged alike follows one another, and is arranged once.
      .sort((a, b) => arrangementOf(a).localeCompare(arrangementOf(b))),
  );
  if (todo.length > 0) await measureAll(todo, runs, results);
  if (!values.demo) report(results);
}

interface Piece {
  readonly column: Column;
  readonly one: Case;
}

async function measureAll(todo: readonly Piece[], runs: number, results: Results): Promise<void> {
  const testbed = await openTestbed();
  try {
    const prober = testbed.outside.start([
      process.execPath,
      fileURLToPath(new URL('prober.ts', import.meta.url)),
      SERVICE_ADDRESS,
      '5060',
    ]);
    for (const piece of todo) {
      await measurePiece(testbed, prober, piece, runs, results).catch((error: unknown) => {
        // A bench of hours goes on with the rest, which begins in a clean testbed.
        console.error(`not measured to the end: ${piece.one.name}; ${piece.column.name}: ${error}`);
        process.exitCode = 1;
        isSound = false;
      });
    }
    await prober.stop();
  } finally {
    await testbed.close();
  }
}

function arrangementOf({ column, one }: Piece): string {
  const place = column.keeper === 'keepalived' ? 'hot standby' : one.arrangement;
  return [column.name, place, one.isSlow ? 'slow' : ''].join();
}

let arranged: Piece | undefined;
/** Whether the last piece left the service as it was. */
let isSound = true;

/** Arranges the service as a piece needs it, unless it is arranged so. */
async function arrange(testbed: Testbed, piece: Piece): Promise<void> {
  if (isSound && arranged && arrangementOf(arranged) === arrangementOf(piece)) return;
  if (arranged?.column.keeper === 'keepalived') await endKeepalived(testbed);
  arranged = piece;
  isSound = false;
  const { column, one } = piece;
  if (column.keeper === 'keepalived') await createKeepalived(testbed, one.isSlow === true);
  else await createResources(testbed, column, one.arrangement, one.isSlow === true);
  isSound = true;
}

async function measurePiece(
  testbed: Testbed,
  prober: Program,
  piece: Piece,
  runs: number,
  results: Results,
): Promise<void> {
  const { column, one } = piece;
  await arrange(testbed, piece);
  for (let run = results.count(one, column); run < runs; run += 1) {
    const service =
      column.keeper === 'keepalived'
        ? await keepalivedService(testbed)
        : await pacemakerService(testbed, one.arrangement);
    const pauseS = one.isFound ? ((run + 0.5) / runs) * column.looksEveryS : 0;
    const measurement = await measureCase(testbed, prober, one, service, pauseS);
    results.add(one, column, measurement);
    const outage = (measurement.outage / 1000).toFixed(2);
    console.log(`${one.name}; ${column.name}; run ${run + 1}: ${outage} s without an answer`);
  }
}

function report(results: Results): void {
  const look = (one: Case, column: Column) => results.outages(one, column);
  const watched = COLUMNS.find(({ style }) => style === 'watch') ?? COLUMNS[0];
  if (!watched) return;
  const cases = CASES.filter((one) => COLUMNS.some((column) => look(one, column)));
  const table = outageTable(cases, COLUMNS, watched, look);
  console.log(`\n${table}`);
  const picture = chart('Time without an answer for callers', cases, COLUMNS, look);
  writeFileSync(new URL('outage.svg', DIST), picture);
  if (!values.publish) return;
  writeFileSync(new URL('outage.svg', PAGES), picture);
  const page = new URL('measurements.md', PAGES);
  const text = readFileSync(page, 'utf8');
  if (!TABLE.test(text)) throw new Error(`${page.pathname} has no place for the table of outages`);
  writeFileSync(
    page,
    text.replace(TABLE, (_, before, after) => `${before}\n${table}\n\n${after}`),
  );
}

await main();
