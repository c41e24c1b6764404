/** One figure of the bench: ours, what it is held against, and the bound that it has to keep, if any. */
export interface Figure {
  readonly name: string;
  /** Ours, ms. */
  readonly ours: number;
  /** What ours is compared with, ms; without it `bound` is in ms. */
  readonly reference?: number;
  /** The most that is allowed: of the ratio where there is a reference, else of ours in ms. */
  readonly bound?: number;
}

/** Whether a figure keeps its bound; undefined where it has none. */
export function verdict(figure: Figure): 'ok' | 'over' | undefined {
  if (figure.bound === undefined) return undefined;
  return measured(figure) <= figure.bound ? 'ok' : 'over';
}

/** The figures as a Markdown table, which is readable on a terminal as well. */
export function table(figures: readonly Figure[]): string {
  const rows = [
    ['', 'agent', 'compared with', 'ratio', 'bound', ''],
    ...figures.map((figure) => [
      figure.name,
      inMs(figure.ours),
      figure.reference === undefined ? '' : inMs(figure.reference),
      figure.reference === undefined ? '' : ratio(figure).toFixed(3),
      figure.bound === undefined
        ? ''
        : figure.reference === undefined
          ? inMs(figure.bound)
          : `${figure.bound}`,
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

function measured(figure: Figure): number {
  return figure.reference === undefined ? figure.ours : ratio(figure);
}

function ratio({ ours, reference = Number.NaN }: Figure): number {
  return ours / reference;
}

function inMs(value: number): string {
  return `${value.toFixed(value < 100 ? 1 : 0)} ms`;
}

function pad(cell: string, width: number, column: number): string {
  return isText(column) ? cell.padEnd(width) : cell.padStart(width);
}

/** The first column names the figure and the last the verdict; between them stand numbers. */
function isText(column: number): boolean {
  return column === 0 || column === 5;
}
