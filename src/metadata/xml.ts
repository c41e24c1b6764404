import { XMLBuilder } from 'fast-xml-parser';
import { ACTIONS } from '../interface/actions.ts';
import type { ParameterRow } from '../interface/parameter-row.ts';
import { PARAMETER_NAMES, PARAMETERS, type ParameterName } from '../interface/parameters.ts';
import { VERSION } from '../version.ts';
import { DOCUMENT_TYPE } from './dtd.ts';
import { LONG_DESCRIPTION, SHORT_DESCRIPTION } from './texts.ts';

/**
 * The agent's metadata (OCF RA API 1.1), made from the tables of parameters and actions; for who validates it, with its
 * document type, see dtd.ts.
 */
export function metadataXml(forWhom: 'the cluster' | 'a validator'): string {
  const builder = new XMLBuilder({
    ignoreAttributes: false,
    attributeNamePrefix: '@',
    format: true,
    suppressEmptyNode: true,
    suppressBooleanAttributes: false,
  });
  const document: string = builder.build({
    '?xml': { '@version': '1.0' },
    'resource-agent': {
      '@name': 'kamailio',
      '@version': VERSION,
      version: '1.1',
      longdesc: inEnglish(LONG_DESCRIPTION),
      shortdesc: inEnglish(SHORT_DESCRIPTION),
      parameters: { parameter: PARAMETER_NAMES.map(describeParameter) },
      actions: { action: describeActions() },
    },
  });
  return forWhom === 'a validator' ? document.replace('\n', `\n${DOCUMENT_TYPE}\n`) : document;
}

function describeParameter(name: ParameterName): object {
  const row: ParameterRow<unknown> = PARAMETERS[name];
  return {
    '@name': name,
    ...(row.uniqueGroup && { '@unique-group': row.uniqueGroup }),
    '@required': row.required ? '1' : '0',
    '@reloadable': row.reloadable ? '1' : '0',
    longdesc: inEnglish(row.long),
    shortdesc: inEnglish(row.short),
    content: {
      '@type': row.type,
      ...(row.required ? {} : { '@default': row.default }),
      ...(row.options && { option: row.options.map((value) => ({ '@value': value })) }),
    },
  };
}

function describeActions(): object[] {
  return Object.entries(ACTIONS).flatMap(([name, { timeout, interval, depths }]) => {
    if (timeout === undefined) return [];
    const action = { '@name': name, '@timeout': `${timeout}s` };
    if (!depths) return [{ ...action, ...(interval && { '@interval': `${interval}s` }) }];
    return Object.entries(depths).map(([depth, seconds]) => ({
      ...action,
      '@interval': `${seconds}s`,
      '@depth': depth,
    }));
  });
}

function inEnglish(text: string): object {
  return { '@lang': 'en', '#text': text };
}
