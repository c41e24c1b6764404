/** One figure of the bench: ours, what it is held against, and the bound that it has to keep, if any. */
export interface Figure {
  readonly name: string;
  /** Of all but the ratio; ms unless said otherwise. */
  readonly unit?: 'ms' | 'MB';
  readonly ours: number;
  /** What ours is compared with. */
  readonly reference?: number;
  /** The most that ours may be of the reference. */
  readonly bound?: number;
  /** The most that ours may be by itself. */
  readonly limit?: number;
}

/** Whether a figure keeps its bound; undefined where it has none. */
export function verdict(figure: Figure): 'ok' | 'over' | undefined {
  const { ours, bound, limit } = figure;
  if (bound === undefined && limit === undefined) return undefined;
  return ours <= (limit ?? ours) && (bound === undefined || ratio(figure) <= bound) ? 'ok' : 'over';
}

/** The figures as a Markdown table, which is readable on a terminal as well. */
export function table(figures: readonly Figure[]): string {
  const rows = [
    ['', 'agent', 'compared with', 'ratio', 'bound', ''],
    ...figures.map((figure) => [
      figure.name,
      withUnit(figure.ours, figure),
      figure.reference === undefined ? '' : withUnit(figure.reference, figure),
      figure.reference === undefined ? '' : ratio(figure).toFixed(3),
      figure.limit === undefined ? `${figure.bound ?? ''}` : withUnit(figure.limit, figure),
      verdict(figure) ?? '',
    ]),
  ];
  const widths =
    rows[0]?.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length), 3)) ?? [];
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => (isText(column) ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  const [head = [], ...body] = rows;
  return [line(head), rule, ...body.map(line)].join('\n');
}

/** The figures for a program to read. */
export function summary(figures: readonly Figure[]): object[] {
  return figures.map((figure) => ({
    ...figure,
    ...(figure.reference !== undefined && { ratio: ratio(figure) }),
    verdict: verdict(figure) ?? null,
  }));
}

function ratio({ ours, reference = Number.NaN }: Figure): number {
  return ours / reference;
}

function withUnit(value: number, { unit = 'ms' }: Figure): string {
  return `${value.toFixed(value < 100 ? 1 : 0)} ${unit}`;
}

function pad(cell: string, width: number, column: number): string {
  return isText(column) ? cell.padEnd(width) : cell.padStart(width);
}

/** The first column names the figure and the last the verdict; between them stand numbers. */
function isText(column: number): boolean {
  return column === 0 || column === 5;
}
