import { ACTIONS, type ActionRow } from '../interface/actions.ts';
import type { ParameterRow } from '../interface/parameter-row.ts';
import { PARAMETER_NAMES, PARAMETERS, type ParameterName } from '../interface/parameters.ts';
import { VERSION } from '../version.ts';
import { CRM_EXAMPLE, EXIT_CODES, FILES, PAGES, PCS_EXAMPLE, SEE_ALSO } from './man-texts.ts';
import { entry, escapeRoff, example, fill, paragraphs, section } from './roff.ts';
import { LONG_DESCRIPTION, SHORT_DESCRIPTION } from './texts.ts';

/**
 * The man page ocf_heartbeat_kamailio(7) as man(7) source, from the same tables as the metadata. It is
 * rendered by build.mjs; the agent does not carry it.
 *
 * @param date day of the source's last change, YYYY-MM-DD
 */
export function manPage(date: string): string {
  const parts = [
    `.TH OCF_HEARTBEAT_KAMAILIO 7 ${date} "ocf\\-kamailio ${escapeRoff(VERSION)}" "OCF resource agents"`,
    // Examples are copied from the screen: words are neither divided nor spread.
    '.nh\n.ad l',
    section('NAME', `ocf_heartbeat_kamailio \\- ${escapeRoff(SHORT_DESCRIPTION)}`),
    section('SYNOPSIS', synopsis()),
    section('DESCRIPTION', paragraphs(LONG_DESCRIPTION)),
    section('SUPPORTED PARAMETERS', PARAMETER_NAMES.map(describeParameter).join('\n')),
    section(
      'SUPPORTED ACTIONS',
      `${ACTIONS_INTRODUCTION}\n${advertisedActions().map(describeAction).join('\n')}`,
    ),
    section(
      'ACTIONS FOR PEOPLE',
      ownActions()
        .map(([name, row]) => entry(name, fill(row.short)))
        .join('\n'),
    ),
    section('EXIT CODES', `${EXIT_CODES_INTRODUCTION}\n${exitCodes()}`),
    section('EXAMPLE CRM SHELL', example(CRM_EXAMPLE)),
    section('EXAMPLE PCS', example(PCS_EXAMPLE)),
    section('FILES', FILES.map(([path, text]) => entry(path, fill(text))).join('\n')),
    section(
      'PAGES',
      `${PAGES_INTRODUCTION}\n${PAGES.map(([name, text]) => entry(name, fill(text))).join('\n')}`,
    ),
    section('SEE ALSO', SEE_ALSO.map(([name, number]) => `.BR ${name} (${number})`).join(' ,\n')),
  ];
  return `${parts.join('\n')}\n`;
}

const ACTIONS_INTRODUCTION = fill(
  'Timeouts and intervals are suggestions to the cluster; the operations of the resource decide.',
);

const EXIT_CODES_INTRODUCTION = fill(
  'Every code but 0 comes with one line on standard error that begins with "ocf-exit-reason:"; the cluster shows it with the failed action.',
);

const PAGES_INTRODUCTION = fill(
  'In /usr/share/doc/resource-agents-kamailio/packaging/doc, beside the README two directories above:',
);

type NamedAction = readonly [string, ActionRow];

function advertisedActions(): NamedAction[] {
  return Object.entries(ACTIONS).filter(([, row]) => row.timeout !== undefined);
}

function ownActions(): NamedAction[] {
  return Object.entries(ACTIONS).filter(([, row]) => row.timeout === undefined && !row.aliasOf);
}

function synopsis(): string {
  const names = advertisedActions().map(([name]) => escapeRoff(name));
  return `.B kamailio\n[${names.join('\n| ')}]\n[\\-\\-\\fIparameter\\fR=\\fIvalue\\fR ...]`;
}

function describeParameter(name: ParameterName): string {
  const row: ParameterRow<unknown> = PARAMETERS[name];
  const notes = [
    row.required ? 'required' : 'optional',
    row.options ? `one of ${row.options.join(', ')}` : row.type,
    ...(row.uniqueGroup ? ['unique'] : []),
    ...(row.reloadable ? ['reloadable'] : []),
    row.required ? '' : row.default === '' ? 'no default' : `default "${row.default}"`,
  ].filter(Boolean);
  return entry(name, `${paragraphs(row.long)}\n.PP\n${fill(`(${notes.join(', ')})`)}`);
}

function describeAction([name, row]: NamedAction): string {
  const levels = Object.entries(row.depths ?? {}).map(
    ([depth, seconds]) => `level ${depth} every ${seconds} s`,
  );
  const times = [
    `timeout ${row.timeout} s`,
    ...(levels.length > 0 ? [`check ${levels.join(', ')}`] : row.interval ? [`every ${row.interval} s`] : []),
  ];
  return entry(name, `${fill(row.short)}\n.PP\n${fill(`(${times.join('; ')})`)}`);
}

function exitCodes(): string {
  return EXIT_CODES.map(({ code, name, text }) => entry(`${code} ${name}`, fill(text))).join('\n');
}
