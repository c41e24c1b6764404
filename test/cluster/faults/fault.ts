import type { Service } from './service.ts';

/** What a call of the agent comes to. */
export interface Verdict {
  /** Its exit code; several where it depends on the moment. */
  readonly code: number | readonly number[];
  /** What its exit reason says. */
  readonly reason?: RegExp;
}

/** What the next monitor says. */
export interface MonitorVerdict extends Verdict {
  /**
   * Who calls it. The cluster's own recurring monitor unless the code is 0 or 190, of which the cluster keeps no
   * record: then `crm_resource --force-check`, on the node that Kamailio runs on or on the `target` of the fault.
   */
  readonly called?: 'by the cluster' | 'by hand' | 'by hand, on the target';
  /** OCF_CHECK_LEVEL of a call by hand. */
  readonly level?: 20;
}

/** All processes have been killed. It is 1 where the monitor comes upon some that are still on their way out. */
export const DEAD: MonitorVerdict = { code: [7, 1] };

/** What the cluster does about it. */
export type Reaction =
  /** Nothing: the same main process goes on, no failure is counted. */
  | 'leaves it alone'
  /** Stop and start on the same node. */
  | 'restarts it here'
  /** It runs on another node in the end. */
  | 'moves it'
  /** Anything else: in words, and how to wait until it is done. */
  | { readonly does: string; until(service: Service): Promise<void> };

/** One row of the fault matrix. */
export interface Fault {
  /** What is broken. */
  readonly broken: string;
  /** Left out where Kamailio is not monitored meanwhile: it stops, or its node is off. */
  readonly monitor?: MonitorVerdict;
  readonly cluster: Reaction;
  /** How the first start or stop of the recovery fails, where it does. */
  readonly start?: Verdict;
  readonly stop?: Verdict;
  /** `kept`: what callers have registered a moment before is in the database when Kamailio has stopped. */
  readonly registrations?: 'kept';
  /** What must hold besides what holds after every fault (holds.ts), in words; `check` looks. */
  readonly also?: string;
  /** Brings about what the fault needs. Returns how it is taken back at the end, where there is anything to take back. */
  prepare?(service: Service): Promise<Undo | undefined>;
  /** Breaks it. Returns how the machine is mended once the cluster has done its part, where there is anything to undo. */
  inflict(service: Service): Promise<Undo | undefined>;
  /** Throws when what `also` says does not hold. The service is as it was before the fault. */
  check?(service: Service): Promise<void>;
}

export type Undo = () => Promise<unknown>;

/** A fault that this machine cannot be given, and why. */
export interface Impossible {
  readonly broken: string;
  readonly why: string;
}
