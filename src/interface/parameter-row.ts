/** One row of the table of parameters: the single source of parsing, metadata, help and man page. */
export interface ParameterRow<T> {
  readonly type: 'string' | 'integer' | 'select';
  /** What an unset variable stands for, as an administrator would write it. */
  readonly default: string;
  /** Text to value; throws a Failure that says what is wrong with the text. */
  readonly parse: (text: string) => T;
  readonly short: string;
  /** Paragraphs are separated by an empty line. */
  readonly long: string;
  readonly required?: true;
  /** Parameters of one group must differ between the resources of a cluster (OCF RA API 1.1). */
  readonly uniqueGroup?: string;
  /** A change takes effect without a restart of Kamailio: it reaches neither its command line nor its directories. */
  readonly reloadable?: true;
  /** The values of a `select`. */
  readonly options?: readonly string[];
}

/** A row whose parser decides the type of the parameter's value. */
export function row<T>(entry: ParameterRow<T>): ParameterRow<T> {
  return entry;
}
