import type { AgentName } from '../../cluster/testbed/node.ts';

/** One way to keep Kamailio up, and to learn of its failures. */
export interface Column {
  readonly name: string;
  /** Of its bars in the chart. */
  readonly style: string;
  readonly keeper: 'pacemaker' | 'keepalived';
  readonly agent: AgentName;
  readonly params: Readonly<Record<string, string>>;
  /** Seconds between two monitors. */
  readonly monitorS: number;
  /** A failure may happen at any point of so many seconds before somebody looks. */
  readonly looksEveryS: number;
}

const OURS = { keeper: 'pacemaker', agent: 'ours', params: {}, monitorS: 10, looksEveryS: 10 } as const;

export const COLUMNS: readonly Column[] = [
  { ...OURS, name: 'shell agent', style: 'shell', agent: 'shell' },
  { ...OURS, name: 'watch=off', style: 'off' },
  { ...OURS, name: 'watch=off, monitor every second', style: 'often', monitorS: 1, looksEveryS: 1 },
  {
    ...OURS,
    name: 'watch=sip, watch_timeout=2',
    style: 'watch',
    params: { watch: 'sip', watch_timeout: '2' },
    looksEveryS: 1,
  },
  { ...OURS, name: 'keepalived', style: 'keepalived', keeper: 'keepalived', looksEveryS: 1 },
];
