import type { Case } from './cases.ts';
import type { Column } from './columns.ts';
import type { Outages } from './results.ts';
import type { Look } from './table.ts';

const WIDTH = 820;
const LEFT = 250;
const RIGHT = 70;
const TOP = 100;
const BAR = 11;
const GAP = 16;
/** The scale is logarithmic: what matters happens on either side of half a second. */
const FROM_S = 0.05;
const TO_S = 50;
const TICKS_S = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50];
/** RFC 3261 §17.1.1.1: after T1 a caller over UDP sends its request again. */
const T1_S = 0.5;

/** The outages of each case in each column as an SVG chart of horizontal bars, readable on a light and on a dark page. */
export function chart(title: string, cases: readonly Case[], columns: readonly Column[], look: Look): string {
  const row = columns.length * BAR + GAP;
  const bottom = TOP + cases.length * row;
  const bars = cases.map((one, index) => rowOf(one, columns, TOP + index * row + GAP / 2, look));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${bottom + 48}" role="img" aria-label="${asText(title)}">
<style>
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; }
  .value { font-size: 10px; }
  .grid { stroke: #d1d9e0; }
  .t1 { stroke: #cf222e; stroke-dasharray: 4 3; }
  .span { stroke: #1f2328; }
  .shell { fill: #9aa4ae; }
  .off { fill: #b7dfcd; }
  .often { fill: #6cbf9c; }
  .watch { fill: #1a7f5a; }
  .keepalived { fill: #bf8700; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .grid { stroke: #3d444d; }
    .t1 { stroke: #ff7b72; }
    .span { stroke: #e6edf3; }
    .shell { fill: #6e7883; }
    .off { fill: #23513f; }
    .often { fill: #2f8461; }
    .watch { fill: #3fb98a; }
    .keepalived { fill: #d29922; }
  }
</style>
<text class="title" x="16" y="24">${asText(title)}</text>
${columns.map(legend).join('\n')}
${TICKS_S.map((seconds) => tick(seconds, bottom)).join('\n')}
<line class="t1" x1="${x(T1_S)}" y1="${TOP - 8}" x2="${x(T1_S)}" y2="${bottom}"/>
<text class="value" x="${x(T1_S)}" y="${TOP - 12}" text-anchor="middle">T1 = ${T1_S} s: a request over UDP is repeated</text>
<text x="16" y="${bottom + 38}">seconds, on a logarithmic scale</text>
${bars.join('\n')}
</svg>
`;
}

/** Where a time is; what is shorter or longer than the scale is at its end. */
function x(seconds: number): string {
  const within = Math.min(Math.max(seconds, FROM_S), TO_S);
  const part = Math.log(within / FROM_S) / Math.log(TO_S / FROM_S);
  return (LEFT + (WIDTH - LEFT - RIGHT) * part).toFixed(1);
}

function legend({ name, style }: Column, index: number): string {
  const left = 16 + 260 * (index % 3);
  const top = 36 + 20 * Math.floor(index / 3);
  return `<rect class="${style}" x="${left}" y="${top}" width="12" height="12"/><text x="${left + 18}" y="${top + 11}">${asText(name)}</text>`;
}

function tick(seconds: number, bottom: number): string {
  const label = `<text x="${x(seconds)}" y="${bottom + 20}" text-anchor="middle">${seconds}</text>`;
  return `<line class="grid" x1="${x(seconds)}" y1="${TOP}" x2="${x(seconds)}" y2="${bottom}"/>${label}`;
}

function rowOf(one: Case, columns: readonly Column[], y: number, look: Look): string {
  const name = `<text x="${LEFT - 12}" y="${y + (columns.length * BAR) / 2 + 4}" text-anchor="end">${asText(one.name)}</text>`;
  const bars = columns.map((column, index) => {
    const found = look(one, column);
    return found ? barOf(column.style, found, y + index * BAR) : '';
  });
  return [name, ...bars.filter((bar) => bar !== '')].join('\n');
}

/** A bar to the median, a thin line over the span of the runs, and the median as a number. */
function barOf(style: string, { median, least, most }: Outages, y: number): string {
  const middle = y + BAR / 2;
  const end = Math.max(Number(x(median)), Number(x(most)));
  return `<rect class="${style}" x="${LEFT}" y="${y}" width="${(Number(x(median)) - LEFT).toFixed(1)}" height="${BAR - 1}"/>
<line class="span" x1="${x(least)}" y1="${middle - 0.5}" x2="${x(most)}" y2="${middle - 0.5}"/>
<text class="value" x="${(end + 5).toFixed(1)}" y="${middle + 3.5}">${median.toFixed(median < 10 ? 2 : 1)}</text>`;
}

function asText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
