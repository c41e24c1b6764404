import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { errorLines } from '../../src/launch/launch.ts';

/** What a Kamailio with db_mysql prints whose database is down: a line for each who could not do without it. */
const DATABASE_DOWN = `
 0(811) INFO: <core> [core/sctp_core.c:53]: sctp_core_check_support(): SCTP API not enabled
 9(822) ERROR: db_mysql [km_my_con.c:200]: db_mysql_new_connection(): driver error: Can't connect to server on '127.0.0.1' (115)
 9(822) ERROR: <core> [db.c:319]: db_do_init2(): could not add connection to the pool
 9(822) ERROR: usrloc [usrloc_mod.c:485]: child_init(): child(1): failed to connect to database
 9(822) ERROR: <core> [core/sr_module.c:882]: init_mod_child(): error while initializing module usrloc
 9(822) ERROR: <core> [core/pt.c:338]: fork_process(): init_child failed for process 9
 9(822) CRITICAL: <core> [main.c:1708]: main_loop(): Cannot fork
`;

test('the first line that names what could not be reached goes before the last ones', () => {
  assert.equal(errorLines(DATABASE_DOWN, 'last'), [
    "db_mysql: driver error: Can't connect to server on '127.0.0.1' (115)",
    'init_child failed for process 9',
    'Cannot fork',
  ]);
});

for (const cause of [
  "could not open file '/etc/kamailio/dispatcher.list'",
  'failed to create runtime dir /run/kamailio, check directory permissions',
  'bind(5, 0x7f, 16) on 192.0.2.1:5060 : Cannot assign requested address',
  'could not find module <geoip2> in </usr/lib/x86_64-linux-gnu/kamailio/modules/>',
  'epoll_ctl failed, errno 12',
]) {
  test(`so does: ${cause}`, () => {
    const lines = [cause, 'one', 'two', 'three', 'four'].map((text) => `ERROR: <core> [a.c:1]: f(): ${text}`);
    assert.equal(errorLines(lines.join('\n'), 'last'), [cause, 'three', 'four']);
  });
}

test('of two lines that came out on one the first that is whole counts', () => {
  const one = '2(184) ERROR: db_postgres [a.c:1]: f(): connection to server at "127.0.0.1", port 1 failed: ';
  const two = ' 2(183) ERROR: db_postgres [a.c:1]: f(): port 1 failed: Connection refused';
  const [cause] = errorLines(`${one}${two}\n 0(1) ERROR: <core> [b.c:1]: g(): last\n`, 'last');
  assert.is(cause, 'db_postgres: port 1 failed: Connection refused');
});

test('without such a line it is the last three, and of a rejected configuration the first three', () => {
  assert.equal(errorLines('one\ntwo\nthree\nfour', 'last'), ['two', 'three', 'four']);
  assert.equal(errorLines(DATABASE_DOWN.replace("Can't connect", 'x'), 'first').length, 3);
});

test.run();
