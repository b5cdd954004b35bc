import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import {
  before,
  bookWorld,
  claimed,
  closePlan,
  closeWire,
  cross,
  longRequest,
  openPosition,
  recorded,
  type BookWorld,
  type OpenPosition,
} from './book-world.ts';

/** Each test goes past the application, as the owner of the tables, and tries to break one invariant of the book. */
let world: BookWorld;
let sql: pg.Client;
let live: OpenPosition;

beforeAll(async () => {
  world = await bookWorld();
  sql = new pg.Client({ connectionString: world.url });
  await sql.connect();
});
afterAll(async () => {
  await sql.end();
  await world.end();
});
beforeEach(async () => {
  live = await openPosition(world);
});

const update = (table: string, change: string, id: string) =>
  sql.query(`update ${table} set ${change}, version = version + 1 where id = $1`, [id]);
const trade = (change: string) => update('trade', change, live.trade);
const one = async <Value>(query: string, values: readonly unknown[] = []): Promise<Value> =>
  Object.values((await sql.query(query, [...values])).rows[0] as Record<string, Value>)[0] as Value;
const openCommand = () =>
  one<string>(`select id from broker_command where trade_id = $1 and step_key = 'open'`, [live.trade]);
const target = (level: number) =>
  one<string>('select id from profit_target where trade_id = $1 and level = $2', [live.trade, level]);
const anOrder = () => one<string>('select id from trade_order where trade_id = $1', [live.trade]);

describe('totals (I1)', () => {
  test('opened volume cannot differ from the opening deals', async () => {
    await expect(trade('opened_lots = 0.7')).rejects.toThrow('differ from its deals');
  });

  test('closed volume cannot differ from the closing deals', async () => {
    await expect(trade('closed_lots = 0.1')).rejects.toThrow('differ from its deals');
  });

  test('a deal cannot be added without the totals', async () => {
    const row = `insert into broker_deal (id, account_id, order_id, broker_deal_id, symbol, side, entry, lots, price, executed_at)
      values ($1, $2, $3, $4, 'EURUSD', 'SELL', 'OUT', 0.1, 1.1, now())`;
    await expect(sql.query(row, [randomUUID(), world.account, await anOrder(), randomUUID()])).rejects.toThrow(
      'differ from its deals',
    );
  });

  test('no more can be closed than was opened', async () => {
    await expect(trade('closed_lots = 0.7')).rejects.toThrow('trade_check');
  });

  test('a trade with open volume is not CLOSED', async () => {
    await expect(trade(`state = 'CLOSED'`)).rejects.toThrow('trade_check');
  });
});

describe('deals (I2, I3)', () => {
  const copyDeal = `insert into broker_deal select * from json_populate_record(null::broker_deal,
    (select row_to_json(d)::jsonb || $2::jsonb from broker_deal d where trade_id = $1)::json)`;

  test('one broker deal is one row', async () => {
    await expect(sql.query(copyDeal, [live.trade, JSON.stringify({ id: randomUUID() })])).rejects.toThrow(
      'deal_broker',
    );
  });

  test('an order has one provisional row at most', async () => {
    const provisional = `insert into broker_deal (id, account_id, order_id, symbol, side, entry, lots)
      select gen_random_uuid(), $1, $2, 'EURUSD', 'SELL', 'OUT', 0.1 from generate_series(1, 2)`;
    await expect(sql.query(provisional, [world.account, await anOrder()])).rejects.toThrow('one_provisional_per_order');
  });

  test('a real deal is immutable but for its fees', async () => {
    await expect(sql.query('update broker_deal set price = 2 where trade_id = $1', [live.trade])).rejects.toThrow(
      'immutable',
    );
    await expect(
      sql.query('update broker_deal set commission = -2 where trade_id = $1', [live.trade]),
    ).resolves.toBeDefined();
  });

  test('a deal is never deleted', async () => {
    await expect(sql.query('delete from broker_deal where trade_id = $1', [live.trade])).rejects.toThrow(
      'never deleted',
    );
  });

  test('a deal belongs to an order of its own account', async () => {
    const other = await one<string>(
      `insert into account (name, platform, endpoint, login, margin_mode, currency, sealed_credentials)
       values ($1, 'x', 'x', 'x', 'HEDGING', 'EUR', '') returning id`,
      [randomUUID()],
    );
    const change = JSON.stringify({ id: randomUUID(), broker_deal_id: 'elsewhere', account_id: Number(other) });
    await expect(sql.query(copyDeal, [live.trade, change])).rejects.toThrow('foreign key');
  });

  test('an order of ours has exactly one command', async () => {
    await expect(update('trade_order', 'command_id = null', await anOrder())).rejects.toThrow('trade_order_check');
    const second = `insert into trade_order (id, account_id, trade_id, command_id, origin, symbol, side, state)
      values (gen_random_uuid(), $1, $2, $3, 'ENGINE', 'EURUSD', 'BUY', 'FILLED')`;
    await expect(sql.query(second, [world.account, live.trade, await openCommand()])).rejects.toThrow('ord_command');
  });

  test('an order without a trade is external', async () => {
    const loose = `insert into trade_order (id, account_id, origin, symbol, side, state)
      values (gen_random_uuid(), $1, 'SERVER_SL', 'EURUSD', 'BUY', 'FILLED')`;
    await expect(sql.query(loose, [world.account])).rejects.toThrow('trade_order_check');
  });

  test('the filled volume of an order only grows', async () => {
    await expect(update('trade_order', 'filled_lots = 0.1', await anOrder())).rejects.toThrow('only grows');
  });
});

describe('commands (I4, I8)', () => {
  const inFlight = (kind: string, step: string) =>
    sql
      .query(
        `with planned as (
         insert into broker_command (id, account_id, trade_id, step_key, kind, position_key, intent, intent_hash, plan, actor)
         values (gen_random_uuid(), $1, $2, $3, $4, $5, '{}', '\\x00', '{}', 'test') returning id) select id from planned`,
        [world.account, live.trade, step, kind, `p:${live.position}`],
      )
      .then(({ rows: [row] }) => (row as { id: string }).id);
  const sending = `state = 'SENDING', attempt = 1, send_by = now(), claimed_at = now(), wire = '{}', before_snapshot = '{}'`;

  test('one unsettled command holds a position, an emergency close passes beside it', async () => {
    await update('broker_command', sending, await inFlight('FULL_CLOSE', 'close:1'));
    await expect(update('broker_command', sending, await inFlight('MODIFY_PROTECTION', 'edit:1'))).rejects.toThrow(
      'one_unsettled_per_position',
    );
    await expect(
      update('broker_command', sending, await inFlight('EMERGENCY_CLOSE', 'close:2')),
    ).resolves.toBeDefined();
  });

  test('a trade has one command per step', async () => {
    await inFlight('FULL_CLOSE', 'close:1');
    await expect(inFlight('FULL_CLOSE', 'close:1')).rejects.toThrow('trade_id_step_key');
  });

  test('nothing is sent without deadline, attempt and snapshot', async () => {
    const id = await inFlight('FULL_CLOSE', 'close:1');
    await expect(update('broker_command', `state = 'SENDING', attempt = 1`, id)).rejects.toThrow(
      'broker_command_check',
    );
    await expect(update('broker_command', sending.replace(`'{}', before_snapshot = '{}'`, `'{}'`), id)).rejects.toThrow(
      'broker_command_check',
    );
    await expect(update('broker_command', sending.replace('attempt = 1', 'attempt = 2'), id)).rejects.toThrow(
      'count the attempt',
    );
  });

  test('an unknown outcome has a quiet window, a settled one its evidence', async () => {
    const id = await inFlight('FULL_CLOSE', 'close:1');
    await update('broker_command', sending, id);
    await expect(update('broker_command', `state = 'UNKNOWN'`, id)).rejects.toThrow('broker_command_check');
    await expect(update('broker_command', `state = 'CONFIRMED'`, id)).rejects.toThrow('broker_command_check');
  });

  test('nothing is asked again before its quiet window is over', async () => {
    const id = await inFlight('FULL_CLOSE', 'close:1');
    await update('broker_command', sending, id);
    await update(
      'broker_command',
      `state = 'NOT_EXECUTED', outcome = '{}', retry_not_before = now() + interval '1 hour'`,
      id,
    );
    await expect(update('broker_command', sending.replace('attempt = 1', 'attempt = 2'), id)).rejects.toThrow(
      'quiet window',
    );
  });

  test('what was sent cannot be changed', async () => {
    for (const change of [
      `intent = '{"other": 1}'`,
      'wire_tag = 99',
      `kind = 'FULL_CLOSE', position_key = 'p:1'`,
      `step_key = 'close:9'`,
    ]) {
      await expect(update('broker_command', change, await openCommand())).rejects.toThrow('immutable once sent');
    }
  });

  test('only a named person ends a review', async () => {
    const id = await inFlight('FULL_CLOSE', 'close:1');
    await update('broker_command', sending, id);
    await update('broker_command', `state = 'UNKNOWN', retry_not_before = now()`, id);
    await update('broker_command', `state = 'REVIEW'`, id);
    await expect(update('broker_command', `state = 'CONFIRMED', outcome = '{}'`, id)).rejects.toThrow('named decision');
    await expect(
      update('broker_command', `state = 'CONFIRMED', outcome = '{"decided_by": "ann"}'`, id),
    ).resolves.toBeDefined();
  });

  test('a halted account sends nothing but a way out', async () => {
    const close = await inFlight('FULL_CLOSE', 'close:1');
    const emergency = await inFlight('EMERGENCY_CLOSE', 'close:2');
    await update('account', `trading_state = 'HALTED'`, world.account);
    await expect(update('broker_command', sending, close)).rejects.toThrow('trading state HALTED');
    await expect(update('broker_command', sending, emergency)).resolves.toBeDefined();
    await update('account', `trading_state = 'ACTIVE'`, world.account);
  });
});

describe('protection (I5, I7)', () => {
  test('a stop does not fall below the breakeven floor', async () => {
    await trade('sl = 1.0851, breakeven_floor = 1.0851');
    await expect(trade('sl = 1.08')).rejects.toThrow('breakeven floor');
    await expect(trade('sl = null, protect_by = now()')).rejects.toThrow('breakeven floor');
    await expect(trade('sl = 1.0852')).resolves.toBeDefined();
  });

  test('a stop that a person loosened at the broker is recorded', async () => {
    await trade('sl = 1.0851, breakeven_floor = 1.0851');
    await sql.query(`begin; set local app.sl_override = 'external'`);
    await trade('sl = 1.08');
    await sql.query('commit');
    expect(await one('select sl::text from trade where id = $1', [live.trade])).toBe('1.08');
  });

  test('an open trade has a stop at the broker or a deadline for it', async () => {
    await expect(trade('sl = null')).rejects.toThrow('trade_check');
  });

  test('a position belongs to one live trade', async () => {
    const other = await openPosition(world);
    await expect(update('trade', `position_key = 'p:${live.position}'`, other.trade)).rejects.toThrow(
      'one_live_trade_per_position',
    );
  });
});

describe('the ladder (I6)', () => {
  test('a level fires once', async () => {
    const [fired] = await cross(world, live.trade, 1);
    const again = sql.query(`update price_watch set fired_price = 2 where id = $1`, [fired?.watchId]);
    await expect(again).rejects.toThrow('fires or is disarmed once');
    await expect(sql.query(`update price_watch set state = 'ARMED' where id = $1`, [fired?.watchId])).rejects.toThrow(
      'fires or is disarmed once',
    );
  });

  test('a level has one watch per generation', async () => {
    const copy = `insert into price_watch select (json_populate_record(w, '{"id": "${randomUUID()}"}')).* from price_watch w where trade_id = $1 and target_level = 1`;
    await expect(sql.query(copy, [live.trade])).rejects.toThrow('price_watch_trade_id_purpose_generation_key');
  });

  test('shares do not pass 100 percent', async () => {
    await expect(update('profit_target', 'close_bps = 6000', await target(1))).rejects.toThrow('exceed 100 percent');
  });

  test('a triggered target is armed again in a new generation only', async () => {
    await cross(world, live.trade, 1);
    await expect(update('profit_target', `state = 'ARMED'`, await target(1))).rejects.toThrow('new generation');
  });

  test('a target has no price before its trade is open', async () => {
    const request = longRequest(world.account);
    await recorded(world, request);
    const early = sql.query('update profit_target set price = 1.1, version = version + 1 where trade_id = $1', [
      request.tradeId,
    ]);
    await expect(early).rejects.toThrow('no price before');
  });

  test('a target is done by a command, and only after a crossing', async () => {
    await expect(update('profit_target', `state = 'DONE'`, await target(1))).rejects.toThrow(
      'illegal profit_target transition ARMED -> DONE',
    );
  });
});

describe('state machines', () => {
  test.each([
    ['trade', 'PENDING'],
    ['trade', 'WORKING'],
    ['broker_command', 'SENDING'],
    ['broker_command', 'PLANNED'],
    ['profit_target', 'EXECUTING'],
  ])('an illegal change of %s to %s is refused', async (table, to) => {
    const id = { trade: live.trade, broker_command: await openCommand(), profit_target: await target(1) }[table] ?? '';
    const change = table === 'broker_command' ? `state = '${to}', attempt = attempt + 1` : `state = '${to}'`;
    await expect(update(table, change, id)).rejects.toThrow('illegal');
  });

  test('a change that does not count the version is refused', async () => {
    await expect(sql.query('update trade set automation = $2 where id = $1', [live.trade, 'PAUSED'])).rejects.toThrow(
      'stale version',
    );
  });

  test('a trade begins PENDING', async () => {
    const copy = `insert into trade (id, account_id, symbol, side, state, requested_lots, initial_stop, instrument, request, request_hash, requested_by)
      values ($1, $2, 'EURUSD', 'BUY', 'OPENING', 1, 1, '{}', '{}', '', '')`;
    await expect(sql.query(copy, [randomUUID(), world.account])).rejects.toThrow('illegal trade transition');
  });
});

describe('events and audit (I9)', () => {
  test('every change of state is audited with its actor, in a chain that verifies', async () => {
    claimed(
      await world.records.claim(closePlan(live.request, 'c1'), closeWire(live.position, '0.6'), before('0.6'), 1_000),
    );
    const { rows } = await sql.query<{ actor: string; action: string }>(
      `select actor, action from audit_log where body->>'id' = $1 order by seq`,
      [live.trade],
    );
    expect(rows).toEqual([
      { actor: 'trader', action: 'trade.PENDING' },
      { actor: 'automation', action: 'trade.OPENING' },
      { actor: 'broker', action: 'trade.OPEN' },
      { actor: 'trader', action: 'trade.CLOSING' },
    ]);
    const broken = `select count(*)::int from (
      select prev_hash, lag(row_hash, 1, '\\x00') over (order by seq) as expected, seq, lag(seq, 1, 0::bigint) over (order by seq) as last, row_hash,
        digest(prev_hash || convert_to(jsonb_build_object('chain', chain_id, 'seq', seq, 'at_us', (extract(epoch from at) * 1000000)::bigint,
          'actor', actor, 'action', action, 'body', body)::text, 'UTF8'), 'sha256') as computed
      from audit_log where chain_id = $1) c where prev_hash <> expected or seq <> last + 1 or row_hash <> computed`;
    expect(await one(broken, [world.account])).toBe(0);
  });

  test('the audit log is append-only', async () => {
    await expect(sql.query(`update audit_log set actor = 'nobody'`)).rejects.toThrow('append-only');
    await expect(sql.query('delete from audit_log')).rejects.toThrow('append-only');
    await expect(sql.query('truncate audit_log')).rejects.toThrow('append-only');
  });

  test('of an event only the delivery may change', async () => {
    await expect(sql.query(`update event_log set type = 'other' where trade_id = $1`, [live.trade])).rejects.toThrow(
      'only the delivery',
    );
  });
});
