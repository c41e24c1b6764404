import { type ExitCode, OCF_SUCCESS } from '../ocf/exit-code.ts';
import { print } from '../ocf/output.ts';

/** Prints the metadata. Works on a node that has neither Kamailio nor any parameter set. */
export async function metaData(): Promise<ExitCode> {
  // No other action needs the XML library.
  const { metadataXml } = await import('../metadata/xml.ts');
  print(metadataXml());
  return OCF_SUCCESS;
}
