import { metadataXml } from '../metadata/xml.ts';
import { ExitCode } from '../ocf/exit-code.ts';

/** Prints the metadata. Works on a node that has neither Kamailio nor any parameter set. */
export async function run(): Promise<ExitCode> {
  process.stdout.write(metadataXml());
  return ExitCode.success;
}
