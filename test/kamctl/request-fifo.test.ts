import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openRequestFifo } from '../../src/kamctl/request-fifo.ts';
import { withProgram } from '../support/processes.ts';

test('what stands in the place of the FIFO is looked at before it is opened for writing', async () => {
  const directory = mkdtempSync('/tmp/ocf-kamailio-request-');
  try {
    const program = join(directory, 'rpc.fifo');
    copyFileSync('/bin/sleep', program);
    // The kernel refuses to open a program that runs for writing (ETXTBSY): an attempt would show.
    await withProgram(program, ['1000'], {}, async () => {
      assert.throws(() => openRequestFifo(program), /is no FIFO; remove it/);
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test.run();
