import { Failure } from '../failure/failure.ts';
import { oneLine } from '../text/one-line.ts';

/** A list of final reply codes of SIP other than 200, separated by blanks or commas; empty for none. */
export function replyCodes(text: string): readonly number[] {
  const entries = text.split(/[ ,]+/).filter((entry) => entry !== '');
  return entries.map((entry) => {
    if (/^[2-6]\d\d$/.test(entry) && entry !== '200') return Number(entry);
    throw new Failure({
      seen: `entry "${oneLine(entry, 80)}" is no code of a reply that could mean this`,
      remedy: 'give codes from 201 to 699, such as 503',
    });
  });
}
