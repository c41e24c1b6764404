import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Failure } from '../../src/failure/failure.ts';
import { ensureDirectory, removeIfEmpty } from '../../src/process/directory.ts';
import { checkDirectory } from '../../src/process/directory-check.ts';
import { AGENT } from '../support/agent.ts';

const OWNER = { name: 'ocfk', uid: 61_001, gid: 61_001, home: '/' };
const STRANGER = 61_002;

function withDirectory(use: (directory: string) => void): void {
  const directory = mkdtempSync('/tmp/ocf-kamailio-dir-');
  chmodSync(directory, 0o755);
  try {
    use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function unsafe(check: () => void): string {
  try {
    check();
  } catch (error) {
    assert.instance(error, Failure, String(error));
    return String(error);
  }
  throw new Error('was taken for safe');
}

test("a missing directory is made for Kamailio's account, its missing parents for root", () => {
  withDirectory((root) => {
    ensureDirectory(`${root}/a/b`, OWNER, 'checked');
    const made = lstatSync(`${root}/a/b`);
    assert.equal([made.uid, made.gid, made.mode & 0o7777], [OWNER.uid, OWNER.gid, 0o755]);
    assert.equal([lstatSync(`${root}/a`).uid, lstatSync(`${root}/a`).mode & 0o7777], [0, 0o755]);
    ensureDirectory(`${root}/a/b`, OWNER, 'checked');
  });
});

test('the umask has no say in the mode of a directory', () => {
  withDirectory((root) => {
    const before = process.umask(0o077);
    try {
      ensureDirectory(`${root}/a`, undefined, 'checked');
    } finally {
      process.umask(before);
    }
    assert.is(lstatSync(`${root}/a`).mode & 0o7777, 0o755);
  });
});

test('a directory that is there is left as it is', () => {
  withDirectory((root) => {
    mkdirSync(`${root}/a`, { mode: 0o700 });
    ensureDirectory(`${root}/a`, OWNER, 'checked');
    assert.equal([lstatSync(`${root}/a`).uid, lstatSync(`${root}/a`).mode & 0o7777], [0, 0o700]);
  });
});

test('a symbolic link in the place of the directory is refused, whatever it points to', () => {
  withDirectory((root) => {
    mkdirSync(`${root}/real`);
    symlinkSync(`${root}/real`, `${root}/link`);
    symlinkSync(`${root}/nowhere`, `${root}/dangling`);
    for (const name of ['link', 'dangling']) {
      assert.match(
        unsafe(() => ensureDirectory(`${root}/${name}`, OWNER, 'checked')),
        /is a symbolic link/,
      );
      assert.match(
        unsafe(() => checkDirectory(`${root}/${name}`, OWNER)),
        /is a symbolic link/,
      );
    }
    assert.not.ok(existsSync(`${root}/nowhere`));
  });
});

test('a file in the place of the directory is refused', () => {
  withDirectory((root) => {
    writeFileSync(`${root}/file`, '');
    assert.match(
      unsafe(() => checkDirectory(`${root}/file`, OWNER)),
      /is no directory/,
    );
  });
});

test("a stranger's directory is refused, Kamailio's own and root's are taken", () => {
  withDirectory((root) => {
    mkdirSync(`${root}/a`);
    checkDirectory(`${root}/a`, OWNER);
    chownSync(`${root}/a`, OWNER.uid, OWNER.gid);
    checkDirectory(`${root}/a`, OWNER);
    assert.match(
      unsafe(() => checkDirectory(`${root}/a`, undefined)),
      /another account \(uid 61001\)/,
    );
    chownSync(`${root}/a`, STRANGER, 0);
    assert.match(
      unsafe(() => checkDirectory(`${root}/a`, OWNER)),
      /another account \(uid 61002\)/,
    );
  });
});

test('a directory that others may write to is refused, also a sticky one', () => {
  withDirectory((root) => {
    mkdirSync(`${root}/a`);
    for (const mode of [0o777, 0o1777, 0o757]) {
      chmodSync(`${root}/a`, mode);
      assert.match(
        unsafe(() => checkDirectory(`${root}/a`, OWNER)),
        /others may write to/,
      );
    }
    assert.match(
      unsafe(() => checkDirectory('/tmp', OWNER)),
      /others may write to \/tmp \(mode 1777\)/,
    );
  });
});

test("a directory that a group may write to is taken only for Kamailio's or root's group", () => {
  withDirectory((root) => {
    mkdirSync(`${root}/a`);
    chmodSync(`${root}/a`, 0o775);
    checkDirectory(`${root}/a`, OWNER);
    chownSync(`${root}/a`, 0, OWNER.gid);
    checkDirectory(`${root}/a`, OWNER);
    chownSync(`${root}/a`, 0, STRANGER);
    assert.match(
      unsafe(() => checkDirectory(`${root}/a`, OWNER)),
      /others may write to/,
    );
  });
});

test('a directory below one that a stranger controls is refused, before anything is made in it', () => {
  withDirectory((root) => {
    mkdirSync(`${root}/theirs`);
    mkdirSync(`${root}/theirs/a`);
    for (const [uid, mode] of [
      [STRANGER, 0o755],
      [0, 0o777],
    ] as const) {
      chownSync(`${root}/theirs`, uid, 0);
      chmodSync(`${root}/theirs`, mode);
      assert.match(
        unsafe(() => checkDirectory(`${root}/theirs/a`, OWNER)),
        /another account controls/,
      );
      assert.match(
        unsafe(() => ensureDirectory(`${root}/theirs/new`, OWNER, 'checked')),
        /another account controls/,
      );
      assert.not.ok(existsSync(`${root}/theirs/new`));
    }
  });
});

test('no missing parent is made in a directory that a stranger controls either', () => {
  withDirectory((root) => {
    mkdirSync(`${root}/theirs`);
    chownSync(`${root}/theirs`, STRANGER, 0);
    assert.match(
      unsafe(() => ensureDirectory(`${root}/theirs/x/y`, OWNER, 'checked')),
      /another account controls/,
    );
    assert.not.ok(existsSync(`${root}/theirs/x`));
  });
});

test('a link among the parents is followed to where it leads, and that is judged', () => {
  withDirectory((root) => {
    mkdirSync(`${root}/theirs`);
    mkdirSync(`${root}/theirs/a`);
    chownSync(`${root}/theirs`, STRANGER, 0);
    symlinkSync(`${root}/theirs`, `${root}/link`);
    assert.match(
      unsafe(() => checkDirectory(`${root}/link/a`, OWNER)),
      /another account controls/,
    );
    assert.match(
      unsafe(() => checkDirectory(`${root}/link/missing`, OWNER)),
      /another account controls/,
    );
  });
});

test("the operator's own directory for a FIFO is not judged, but a missing one is made safely", () => {
  withDirectory((root) => {
    ensureDirectory('/tmp', OWNER, 'as it is');
    ensureDirectory(`${root}/run`, OWNER, 'as it is');
    assert.is(lstatSync(`${root}/run`).uid, OWNER.uid);
    mkdirSync(`${root}/theirs`);
    chownSync(`${root}/theirs`, STRANGER, 0);
    unsafe(() => ensureDirectory(`${root}/theirs/run`, OWNER, 'as it is'));
  });
});

test('a directory that cannot be made is named with the reason, at once', () => {
  assert.match(
    unsafe(() => ensureDirectory('/proc/nothing', OWNER, 'checked')),
    /cannot make .*\/proc\/nothing/,
  );
  // By the built file, which a time limit can end: mkdir with `recursive` turns in circles forever in /proc.
  const { status, stderr } = spawnSync(AGENT, ['start'], {
    env: {
      PATH: process.env.PATH ?? '',
      OCF_RESKEY_listen_address: '127.0.0.1',
      OCF_RESKEY_conffile: '/etc/hostname',
      OCF_RESKEY_kamctlrc: '',
      OCF_RESKEY_pidfile: '/proc/nothing/a/kamailio.pid',
    },
    encoding: 'utf8',
    timeout: 20_000,
    killSignal: 'SIGKILL',
  });
  assert.is(status, 4, stderr);
  assert.match(stderr, /\/proc\/nothing/);
});

test('a path that leads through a file or a dangling link, or is too long, is refused and named', () => {
  withDirectory((root) => {
    writeFileSync(`${root}/file`, '');
    symlinkSync(`${root}/nowhere`, `${root}/dangling`);
    for (const path of [
      `${root}/file/a`,
      `${root}/file/a/b`,
      `${root}/dangling/a`,
      `${root}/dangling/a/b`,
      `${root}/${'x'.repeat(300)}`,
    ]) {
      assert.match(
        unsafe(() => ensureDirectory(path, OWNER, 'checked')),
        root,
      );
      assert.match(
        unsafe(() => checkDirectory(path, OWNER)),
        root,
      );
    }
    assert.not.ok(existsSync(`${root}/nowhere`));
  });
});

test('only an empty directory is removed', () => {
  withDirectory((root) => {
    mkdirSync(`${root}/empty`);
    mkdirSync(`${root}/full`);
    writeFileSync(`${root}/full/file`, '');
    for (const name of ['empty', 'full', 'missing']) removeIfEmpty(`${root}/${name}`);
    assert.equal(
      ['empty', 'full'].map((name) => existsSync(`${root}/${name}`)),
      [false, true],
    );
  });
});

test.run();
