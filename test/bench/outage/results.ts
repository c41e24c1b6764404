import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { median } from '../measure.ts';
import type { Case } from './cases.ts';
import type { Column } from './columns.ts';
import type { Measurement } from './measure-case.ts';

/** All runs of one case in one column, in the order in which they were made. */
interface Cell {
  readonly case: string;
  readonly column: string;
  readonly runs: Measurement[];
}

/** The runs of a case in a column, in short; s. */
export interface Outages {
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly runs: number;
}

const FILE = fileURLToPath(new URL('../../../dist/bench-cluster.json', import.meta.url));

/** The measurements of all pieces of a bench: what is added is on disk at once, so that it may break off at any time. */
export class Results {
  private readonly cells: Cell[];

  private readonly isKept: boolean;

  /** `anew`: earlier measurements are forgotten. `apart`: they are left alone, and these are not kept. */
  constructor(kind: 'continued' | 'anew' | 'apart') {
    this.isKept = kind !== 'apart';
    this.cells = kind === 'continued' && existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : [];
  }

  add(one: Case, column: Column, measurement: Measurement): void {
    const cell = this.find(one, column);
    if (cell) cell.runs.push(measurement);
    else this.cells.push({ case: one.name, column: column.name, runs: [measurement] });
    if (this.isKept) writeFileSync(FILE, `${JSON.stringify(this.cells, null, 1)}\n`);
  }

  count(one: Case, column: Column): number {
    return this.find(one, column)?.runs.length ?? 0;
  }

  /** undefined if there was no run. */
  outages(one: Case, column: Column): Outages | undefined {
    const seconds = this.find(one, column)?.runs.map(({ outage }) => outage / 1000) ?? [];
    if (seconds.length === 0) return undefined;
    return {
      median: median(seconds),
      least: Math.min(...seconds),
      most: Math.max(...seconds),
      runs: seconds.length,
    };
  }

  private find(one: Case, column: Column): Cell | undefined {
    return this.cells.find((cell) => cell.case === one.name && cell.column === column.name);
  }
}
