import { isExhaustion } from '../failure/system-error.ts';

/**
 * The result of `act`, or `otherwise` while the node has no descriptors, processes or memory to do it with: what cannot
 * be looked at is neither lost nor replaced. Throws any other error.
 */
export function unlessExhausted<T>(act: () => T, otherwise: T): T {
  try {
    return act();
  } catch (error) {
    if (isExhaustion(error)) return otherwise;
    throw error;
  }
}
