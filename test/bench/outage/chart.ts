/** One bar: the median of several runs and their span, s. */
export interface Bar {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** One row of the chart: what happened, and how long callers went without an answer. */
export interface Row {
  readonly name: string;
  readonly ours: Bar;
  readonly shell: Bar;
}

const WIDTH = 760;
const LEFT = 250;
const RIGHT = 70;
const TOP = 64;
const ROW = 54;
const BAR = 17;
const TICKS = 6;

/** The rows as an SVG chart of horizontal bars, readable on a light and on a dark page. */
export function chart(title: string, rows: readonly Row[]): string {
  const step = niceStep(Math.max(...rows.flatMap(({ ours, shell }) => [ours.most, shell.most])) / TICKS);
  const longest = Math.max(...rows.flatMap(({ ours, shell }) => [ours.most, shell.most]), step);
  const ticks = Array.from({ length: Math.ceil(longest / step) + 1 }, (_, index) => index * step);
  const x = (seconds: number) => LEFT + ((WIDTH - LEFT - RIGHT) * seconds) / (ticks.at(-1) ?? 1);
  const bottom = TOP + rows.length * ROW;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${bottom + 48}" role="img" aria-label="${asText(title)}">
<style>
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; }
  .value { font-size: 12px; }
  .grid { stroke: #d1d9e0; }
  .span { stroke: #1f2328; }
  .ours { fill: #1a7f5a; }
  .shell { fill: #9aa4ae; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .grid { stroke: #3d444d; }
    .span { stroke: #e6edf3; }
    .ours { fill: #3fb98a; }
    .shell { fill: #6e7883; }
  }
</style>
<text class="title" x="16" y="24">${asText(title)}</text>
${legend()}
${ticks.map((seconds) => tick(x(seconds), seconds, bottom)).join('\n')}
<text x="${x(0)}" y="${bottom + 38}">seconds</text>
${rows.map((row, index) => rowOf(row, TOP + index * ROW, x)).join('\n')}
</svg>
`;
}

/** 1, 2 or 5 times a power of ten: what people count in. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least) ?? least;
}

function legend(): string {
  return `<rect class="ours" x="16" y="36" width="12" height="12"/><text x="34" y="47">this agent</text>
<rect class="shell" x="124" y="36" width="12" height="12"/><text x="142" y="47">shell agent</text>`;
}

function tick(x: number, seconds: number, bottom: number): string {
  const label = `<text x="${x}" y="${bottom + 20}" text-anchor="middle">${Number(seconds.toPrecision(6))}</text>`;
  return `<line class="grid" x1="${x}" y1="${TOP}" x2="${x}" y2="${bottom}"/>${label}`;
}

function rowOf({ name, ours, shell }: Row, y: number, x: (seconds: number) => number): string {
  return `<text x="${LEFT - 12}" y="${y + ROW / 2 + 4}" text-anchor="end">${asText(name)}</text>
${barOf('ours', ours, y + ROW / 2 - BAR - 1, x)}
${barOf('shell', shell, y + ROW / 2 + 1, x)}`;
}

/** A bar to the median, a thin line over the span of the runs, and the median as a number. */
function barOf(
  kind: 'ours' | 'shell',
  { median, least, most }: Bar,
  y: number,
  x: (seconds: number) => number,
): string {
  const middle = y + BAR / 2;
  return `<rect class="${kind}" x="${x(0)}" y="${y}" width="${(x(median) - x(0)).toFixed(1)}" height="${BAR}"/>
<line class="span" x1="${x(least).toFixed(1)}" y1="${middle}" x2="${x(most).toFixed(1)}" y2="${middle}"/>
<text class="value" x="${(Math.max(x(median), x(most)) + 6).toFixed(1)}" y="${middle + 4}">${median.toFixed(median < 10 ? 2 : 1)} s</text>`;
}

function asText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
