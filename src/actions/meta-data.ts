import { ExitCode } from '../ocf/exit-code.ts';
import { print } from '../ocf/output.ts';

/** Prints the metadata. Works on a node that has neither Kamailio nor any parameter set. */
export async function run(): Promise<ExitCode> {
  // No other action needs the XML library.
  const { metadataXml } = await import('../metadata/xml.ts');
  print(metadataXml());
  return ExitCode.success;
}
