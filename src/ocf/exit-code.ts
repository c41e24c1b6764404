/**
 * The exit codes of an OCF resource agent (OCF RA API 1.1, "Return codes"), by the name of what they say.
 * What the cluster does with each stands beside it.
 */
export const ExitCode = {
  /** The action did what it says. */
  success: 0,
  /** Soft error: the cluster recovers the resource, on this node or another. */
  generic: 1,
  /** Hard error: right in itself, impossible on this node; the cluster moves the resource away. */
  arguments: 2,
  /** The agent has no such action. */
  unimplemented: 3,
  /** Hard error: a permission is missing on this node. */
  permission: 4,
  /** Hard error: a program or a file is missing on this node. */
  installed: 5,
  /** Fatal error: wrong on every node; the cluster stops the resource and tries nowhere else. */
  configured: 6,
  /** Nothing of the instance is left; the cluster may start it anywhere. */
  notRunning: 7,
  /** Works, but something predicts a failure: shown, not recovered (Pacemaker 2.1 and later). */
  degraded: 190,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
