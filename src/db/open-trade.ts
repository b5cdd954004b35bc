import type { Price } from '../domain/decimal.ts';
import type { Instrument } from '../domain/instrument.ts';
import type { Denial } from '../domain/outcome.ts';
import type { TradeRequest } from '../domain/trade/request.ts';
import type { OpenedTrade } from '../trading/records.ts';
import { loadBook } from './book.ts';
import { existing } from './ingest.ts';
import type { Pool } from './pool.ts';
import { inTransaction, type Statement, type Transaction } from './transaction.ts';
import { viewOf } from './view.ts';
import { writeEvent } from './write-follow.ts';

const addTrade: Statement = {
  name: 'trade-open',
  text: `insert into trade (id, account_id, symbol, side, state, requested_lots, initial_stop, intended_stop, breakeven_rule, breakeven_state,
      instrument, request, request_hash, requested_by)
    values ($1, $2::bigint, $3, $4, 'PENDING', $5::numeric, $6::numeric, $6::numeric, $7, $8, $9, $10, $11, $12)`,
};

export const addTarget: Statement = {
  name: 'target-add',
  text: `insert into profit_target (id, trade_id, level, rule, close_bps, state)
    values (md5('target/' || $1 || '/' || $2)::uuid, $1::text::uuid, $2::text::int, $3, $4, 'ARMED')`,
};

/** The wish on record, before anything is asked of a broker. */
export async function openTrade(
  pool: Pool,
  request: TradeRequest,
  {
    intendedStop,
    instrument,
    closeBps,
  }: { readonly intendedStop: Price; readonly instrument: Instrument; readonly closeBps: readonly number[] },
): Promise<OpenedTrade> {
  return inTransaction(pool, { locked: { account: request.accountId }, actor: request.requestedBy }, async (tx) => {
    const known = await loadBook(tx, request.tradeId);
    if (known !== null) {
      return {
        kind: known.trade.requestHash === request.requestHash ? 'recorded' : 'another-body',
        view: viewOf(known),
      };
    }
    await insertTrade(tx, request, { intendedStop, instrument });
    await Promise.all(
      request.targets.map((target, index) =>
        insertTarget(tx, request, { level: index + 1, closeBps: closeBps[index] }, target),
      ),
    );
    return { kind: 'recorded', view: viewOf(await existing(tx, request.tradeId)) };
  });
}

async function insertTrade(
  tx: Transaction,
  request: TradeRequest,
  { intendedStop, instrument }: { readonly intendedStop: Price; readonly instrument: Instrument },
): Promise<void> {
  const { tradeId, accountId, symbol, side, volume, breakeven, requestHash, requestedBy } = request;
  const rule = breakeven === null ? null : JSON.stringify(breakeven);
  const facts = [rule, rule === null ? 'OFF' : 'WAITING', JSON.stringify(instrument), JSON.stringify(request)];
  await tx.run(addTrade, [tradeId, accountId, symbol, side, volume, intendedStop, ...facts, requestHash, requestedBy]);
  await writeEvent(
    tx,
    { id: tradeId, accountId },
    { type: 'trade.requested', body: { symbol, side, volume, by: requestedBy }, wakes: false },
  );
}

async function insertTarget(
  tx: Transaction,
  { tradeId }: TradeRequest,
  { level, closeBps }: { readonly level: number; readonly closeBps: number | undefined },
  { at, size, late }: TradeRequest['targets'][number],
): Promise<void> {
  await tx.run(addTarget, [tradeId, String(level), JSON.stringify({ ...at, ...size, late }), closeBps]);
}

const deny: Statement = {
  name: 'trade-deny',
  text: `insert into event_log (account_id, trade_id, type, body) select a.id, $2, 'trade.denied', $3 from account a where a.id = $1::bigint
    and not exists (select from event_log where trade_id = $2 and type = 'trade.denied')`,
};

/** One event row and no trade; a request for an account that does not exist has no log to be written to. */
export async function denyTrade(pool: Pool, request: TradeRequest, denial: Denial): Promise<void> {
  const { accountId, tradeId, requestHash, requestedBy } = request;
  if (!/^\d{1,18}$/.test(accountId)) return;
  await pool.query({ ...deny, values: [accountId, tradeId, JSON.stringify({ ...denial, requestHash, requestedBy })] });
}
