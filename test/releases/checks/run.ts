/**
 * Runs all checks, in the root of a release. Prints one line of JSON a check: its name, and `error` with what is wrong,
 * or `whyNot` when the release cannot do it.
 */
import { CHECKS } from './all.ts';

/** What was expected and seen comes with uvu's assertions as `details`. */
function tell(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'details' in error && error.details ? `${error.message}\n${error.details}` : error.message;
}

for (const { name, whyNot, run } of CHECKS) {
  const why = whyNot?.();
  if (why !== undefined) {
    console.log(JSON.stringify({ name, whyNot: why }));
    continue;
  }
  try {
    await run();
    console.log(JSON.stringify({ name }));
  } catch (error) {
    console.log(JSON.stringify({ name, error: tell(error) }));
  }
}
// A shell agent that hangs may hold a pipe of this process open.
process.exit();
