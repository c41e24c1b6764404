import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as deb from './deb-node.ts';
import { agentAt, assertAgent, OURS, putByHand } from './order.ts';
import * as rpm from './rpm-node.ts';
import {
  AGENT_PATH,
  AGENTS,
  buildOurs,
  debWithFile,
  WITHOUT_LIBRARY,
  withMoreFiles,
} from './small-packages.ts';
import { testWith, workDirectory } from './tools.ts';

const packages = workDirectory('broken');

/** What the installer prints: what is wrong, which path is not touched, and how to go on. */
const REFUSAL = new RegExp(`cannot run on this node, so ${AGENT_PATH} stays as it is: .*libmissing.so.1`);

const brokenDeb = () => buildOurs('deb', '1.0.3', WITHOUT_LIBRARY, packages);
const brokenRpm = () => buildOurs('rpm', '1.0.3', WITHOUT_LIBRARY, packages);

testWith(
  deb.NEEDS_OF_DEB,
  'a deb whose binary cannot run leaves the shell agent in place and says so; with its library it takes over',
  async () => {
    await deb.withDebNode((node) => {
      const { path, dpkg, files } = node;
      deb.succeed(dpkg('--install', files.theirs1));
      const { status, output } = dpkg('--install', brokenDeb());
      assert.is(status, 1, output);
      assert.match(output, REFUSAL);
      assert.match(output, `try again by \`dpkg --configure ${OURS}\``);
      assertAgent(path, AGENTS.theirs1, 'after a binary that cannot run');
      // resource-agents may change meanwhile; its agent is the one that counts.
      deb.succeed(dpkg('--install', files.theirs2));
      assertAgent(path, AGENTS.theirs2, 'after an upgrade of resource-agents');
      deb.succeed(node.run('touch', [join(node.inside, 'libmissing.so.1')]));
      deb.succeed(dpkg('--configure', OURS));
      assertAgent(path, WITHOUT_LIBRARY, 'with the library');
      deb.succeed(dpkg('--remove', OURS));
      deb.assertState(node, { ours: 'none', theirs: 'theirs2' }, 'after removal');
    });
  },
);

testWith(
  deb.NEEDS_OF_DEB,
  'an upgrade to a deb whose binary cannot run leaves the version before in place, and can go back, on or away',
  async () => {
    const leaveBroken = ({ path, dpkg, files }: deb.DebNode) => {
      deb.succeed(dpkg('--install', files.theirs1, files.ours1));
      assert.match(dpkg('--install', brokenDeb()).output, REFUSAL);
      assertAgent(path, AGENTS.ours1, 'after an upgrade to a binary that cannot run');
    };
    await deb.withDebNode((node) => {
      leaveBroken(node);
      deb.succeed(node.dpkg('--force-downgrade', '--install', node.files.ours1));
      deb.assertState(node, { ours: 'ours1', theirs: 'theirs1' }, 'after going back');
      assert.match(node.dpkg('--install', brokenDeb()).output, REFUSAL);
      deb.succeed(node.dpkg('--install', node.files.ours2));
      deb.assertState(node, { ours: 'ours2', theirs: 'theirs1' }, 'after going back to another version');
    });
    await deb.withDebNode((node) => {
      leaveBroken(node);
      deb.succeed(node.dpkg('--remove', OURS));
      deb.assertState(node, { ours: 'none', theirs: 'theirs1' }, 'after removal');
    });
    await deb.withDebNode((node) => {
      // Nothing of ours stays where no other package ships an agent, either.
      deb.succeed(node.dpkg('--install', node.files.ours1));
      assert.match(node.dpkg('--install', brokenDeb()).output, REFUSAL);
      deb.succeed(node.dpkg('--purge', OURS));
      deb.assertState(
        node,
        { ours: 'none', theirs: 'none' },
        'after removal from a node without a shell agent',
      );
    });
  },
);

testWith(
  deb.NEEDS_OF_DEB,
  'an upgrade that fails while dpkg unpacks leaves the version before in place',
  async () => {
    await deb.withDebNode((node) => {
      const { dpkg, files } = node;
      deb.succeed(dpkg('--install', files.theirs1, files.ours1));
      const taken = `usr/share/doc/${OURS}/new-in-1.0.4`;
      const next = withMoreFiles(buildOurs('deb', '1.0.4', AGENTS.ours2, packages), taken);
      deb.succeed(dpkg('--install', debWithFile(packages, taken)));
      assert.is.not(dpkg('--install', next).status, 0);
      deb.assertState(node, { ours: 'ours1', theirs: 'theirs1' }, 'after unpacking has failed');
      deb.succeed(dpkg('--remove', OURS));
      deb.assertState(node, { ours: 'none', theirs: 'theirs1' }, 'after removal');
    });
  },
);

testWith(
  rpm.NEEDS_OF_RPM,
  "an rpm whose binary cannot run leaves the shell agent, a person's or the version before in place, and says so",
  async () => {
    await rpm.withRpmNode(async (node) => {
      const { path, files } = node;
      rpm.succeed(node.rpm('-i', files.theirs1));
      assert.match(node.rpm('-i', brokenRpm()).output, REFUSAL);
      assertAgent(path, AGENTS.theirs1, 'after a binary that cannot run');
      rpm.succeed(node.rpm('-e', OURS));
      rpm.assertState(node, { ours: 'none', theirs: 'theirs1' }, 'after removal');

      rpm.succeed(node.rpm('-i', files.ours1));
      assert.match(node.rpm('-U', brokenRpm()).output, REFUSAL);
      assertAgent(path, AGENTS.ours1, 'after an upgrade to a binary that cannot run');
      node.run('touch', [join(node.inside, 'libmissing.so.1')]);
      rpm.succeed(node.rpm('-U', '--replacepkgs', brokenRpm()));
      assertAgent(path, WITHOUT_LIBRARY, 'with the library');
      rpm.succeed(node.rpm('-e', OURS));
      rpm.assertState(node, { ours: 'none', theirs: 'theirs1' }, 'after the second removal');
    });
    await rpm.withRpmNode((node) => {
      putByHand(node.path);
      assert.match(node.rpm('-i', brokenRpm()).output, REFUSAL);
      assert.is(agentAt(node.path), AGENTS.byHand);
      rpm.succeed(node.rpm('-e', OURS));
      assert.is(agentAt(node.path), AGENTS.byHand);
      assert.not(existsSync(join(node.path, 'var/lib', OURS)));
    });
  },
);

test.run();
