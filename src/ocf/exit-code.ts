/**
 * The exit codes of an OCF resource agent (OCF RA API 1.1, "Return codes"), by the names that everybody in this
 * field knows. What the cluster does with each stands beside it.
 */

/** The action did what it says. */
export const OCF_SUCCESS = 0;
/** Soft error: the cluster recovers the resource, on this node or another. */
export const OCF_ERR_GENERIC = 1;
/** Hard error: valid in itself, impossible on this node. The cluster moves the resource away. */
export const OCF_ERR_ARGS = 2;
/** The agent does not have this action. */
export const OCF_ERR_UNIMPLEMENTED = 3;
/** Hard error: a permission is missing on this node. */
export const OCF_ERR_PERM = 4;
/** Hard error: a program or a file is missing on this node. */
export const OCF_ERR_INSTALLED = 5;
/** Fatal error: wrong on every node. The cluster stops the resource and tries nowhere else. */
export const OCF_ERR_CONFIGURED = 6;
/** Nothing of the instance is left. The cluster may start it anywhere. */
export const OCF_NOT_RUNNING = 7;
/** Works, but something needs attention: shown, not recovered (Pacemaker 2.1 and later). */
export const OCF_DEGRADED = 190;

/** Any of them. */
export type ExitCode =
  | typeof OCF_SUCCESS
  | typeof OCF_ERR_GENERIC
  | typeof OCF_ERR_ARGS
  | typeof OCF_ERR_UNIMPLEMENTED
  | typeof OCF_ERR_PERM
  | typeof OCF_ERR_INSTALLED
  | typeof OCF_ERR_CONFIGURED
  | typeof OCF_NOT_RUNNING
  | typeof OCF_DEGRADED;
