/** Notes what the agent saw or decided. The text is made only if somebody wants the trace. */
export type Note = (text: () => string) => void;

/** Whether an operation is to be traced, as the resource agents of the field understand it (ocf-shellfuncs). */
export function isTraced({ OCF_TRACE_RA, OCF_RESKEY_trace_ra }: NodeJS.ProcessEnv): boolean {
  const wanted = OCF_TRACE_RA || OCF_RESKEY_trace_ra;
  // Mostly it is unset, and nothing more is to be done.
  return wanted !== undefined && /^(yes|true|1|YES|TRUE|ja|on|ON)$/.test(wanted);
}
