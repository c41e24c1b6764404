import type { Check } from './check.ts';
import { LIFE } from './life.ts';
import { TOOLS } from './tools.ts';
import { TROUBLES } from './troubles.ts';

/** All that is tried on each release, in the order of the table. */
export const CHECKS: readonly Check[] = [...LIFE, ...TROUBLES, ...TOOLS];
