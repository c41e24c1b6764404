// CHANGELOG.md in the forms that dpkg and rpm want.
import { readFileSync } from 'node:fs';

/** The project has no mail address; the domain is one that RFC 2606 keeps free for that. */
export const MAINTAINER = 'ocf-kamailio contributors <nobody@ocf-kamailio.invalid>';

/** Versions, newest first: number, time in s, and the points of the entry without their line breaks. */
function releases(path, version, epoch) {
  const text = readFileSync(path, 'utf8');
  const found = text.split(/^## /m).slice(1);
  const entries = found.flatMap((part) => {
    const [, number, day] = /^\[(\d[^\]]*)\] - (\d{4}-\d{2}-\d{2})/.exec(part) ?? [];
    if (!number) return [];
    const points = part.split(/^- /m).slice(1);
    return [{ number, time: Date.parse(day) / 1000, points: points.map(asOneLine) }];
  });
  if (entries[0]?.number === version) return entries;
  return [{ number: version, time: epoch, points: ['See CHANGELOG.md.'] }, ...entries];
}

function asOneLine(point) {
  return point
    .split(/\n\s*\n/)[0]
    .replace(/\s+/g, ' ')
    .replaceAll('`', '')
    .trim();
}

/** Format of deb-changelog(5). */
export function debianChangelog(path, name, version, epoch) {
  return releases(path, version, epoch)
    .map(({ number, time, points }) => {
      const lines = points.map((point) => wrap(point, '  * ', '    ')).join('\n');
      return `${name} (${number}) unstable; urgency=medium\n\n${lines}\n\n -- ${MAINTAINER}  ${stamp(time)}\n`;
    })
    .join('\n');
}

/** The %changelog of a spec file. */
export function rpmChangelog(path, version, epoch) {
  return releases(path, version, epoch)
    .map(({ number, time, points }) => {
      const [weekday, day, month, year] = stamp(time).split(/,? /);
      const lines = points.map((point) => wrap(point.replaceAll('%', '%%'), '- ', '  ')).join('\n');
      return `* ${weekday} ${month} ${day} ${year} ${MAINTAINER} - ${number}-1\n${lines}\n`;
    })
    .join('\n');
}

/** RFC 5322, in UTC. */
function stamp(time) {
  return new Date(time * 1000).toUTCString().replace('GMT', '+0000');
}

function wrap(text, first, next) {
  const lines = [first];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line.length + word.length > 78 && line.trim() !== first.trim()) lines.push(`${next}${word} `);
    else lines[lines.length - 1] = `${line}${word} `;
  }
  return lines.map((line) => line.trimEnd()).join('\n');
}
