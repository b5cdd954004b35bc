import type { DealFact, Fact, FactOf, OrderFact, PositionFact } from '../domain/facts.ts';
import { tradeId, type AccountId, type TradeId } from '../domain/ids.ts';
import { InvariantViolated } from '../domain/outcome.ts';
import type { TradeView } from '../domain/trade/view.ts';
import type { FactCause, Wake } from '../trading/records.ts';
import { ownerOf, secondOrderOf, withOrder, type Known, type Owner, type TaggedCommand } from './attribution.ts';
import { isOpening, loadBook, type Book } from './book.ts';
import { follow } from './follow.ts';
import type { ReadBack } from './follow-levels.ts';
import {
  loadKnown,
  releaseDeadOrder,
  writeBalance,
  writeBareOrder,
  writeDeal,
  writeFilled,
  writeOrder,
  writePosition,
  type TouchedOrder,
} from './put-facts.ts';
import type { Statement, Transaction } from './transaction.ts';
import { viewOf } from './view.ts';
import { writeFollowUp } from './write-follow.ts';

/** What facts changed: per trade the orders that are new, changed or have new deals. */
export class Touched {
  readonly orders = new Map<TradeId, Set<string>>();
  readonly second = new Set<TradeId>();

  trade(id: TradeId): Set<string> {
    const orders = this.orders.get(id) ?? new Set<string>();
    this.orders.set(id, orders);
    return orders;
  }

  add(rows: readonly TouchedOrder[]): void {
    for (const { id, tradeId: trade } of rows) if (trade !== null) this.trade(trade).add(id);
  }
}

const factsOf = <Kind extends Fact['kind']>(facts: readonly Fact[], kind: Kind): readonly FactOf<Kind>[] =>
  facts.filter((fact): fact is FactOf<Kind> => fact.kind === kind);

/**
 * Writes the rows of the facts and says which trades they belong to.
 *
 * Whose each order is follows from one read; the writes then go out together, in this order, and are awaited once.
 */
export async function putFacts(
  tx: Transaction,
  account: AccountId,
  facts: readonly Fact[],
  cause: FactCause,
): Promise<Touched> {
  const touched = new Touched();
  const entry = { tx, account, touched };
  const [orders, deals, positions] = [factsOf(facts, 'order'), factsOf(facts, 'deal'), factsOf(facts, 'position')];
  const balances = factsOf(facts, 'balance').map((balance) => writeBalance(tx, account, balance));
  const sightings = [...orders, ...deals];
  // Awaited together: one that fails while another is awaited would end the process.
  const [known] = await Promise.all([loadKnown(tx, account, [...sightings, ...positions]), ...balances]);
  const [added] = await Promise.all([
    putSightings(entry, known, sightings, deals),
    ...positions.map((position) => putPosition(entry, known, position)),
  ]);
  await Promise.all(added.map(({ tradeId: trade, deal }) => tx.run(logDeal, [account, trade, dealLine(deal, cause)])));
  return touched;
}

interface Entry {
  readonly tx: Transaction;
  readonly account: AccountId;
  readonly touched: Touched;
}

interface AddedDeal {
  readonly tradeId: TradeId | null;
  readonly deal: DealFact;
}

/** Orders before their deals; answers the deals that were not known before. */
async function putSightings(
  { tx, account, touched }: Entry,
  known: Known,
  sightings: readonly (OrderFact | DealFact)[],
  deals: readonly DealFact[],
): Promise<readonly AddedDeal[]> {
  const writes = putOrders({ tx, account, touched }, known, sightings);
  const dealWrites = deals.map(async (deal) => (await writeDeal(tx, account, deal)).map((row) => ({ ...row, deal })));
  const filled = writeFilled(
    tx,
    account,
    deals.map(({ orderId }) => orderId),
  );
  const [orderRows, dealRows] = await Promise.all([Promise.all(writes), Promise.all(dealWrites), filled]);
  touched.add(orderRows.flat());
  touched.add(dealRows.flat());
  return dealRows.flat().filter(({ isNew }) => isNew);
}

function putOrders(
  entry: Entry,
  atFirst: Known,
  sightings: readonly (OrderFact | DealFact)[],
): readonly Promise<readonly TouchedOrder[]>[] {
  const { tx, account } = entry;
  let known = atFirst;
  return sightings.flatMap((sighting) => {
    const owner = ownerOf(sighting, known);
    const second = secondOrderOf(sighting, known);
    const released = isTakenOver(owner, known, sighting.orderId) ? [releaseDeadOrder(tx, owner, sighting.orderId)] : [];
    known = withOrder(known, owner, sighting.orderId);
    return [
      ...(second === null ? [] : [reportSecondOrder(entry, second, sighting)]),
      ...released,
      writeSighting(tx, account, sighting, owner),
    ];
  });
}

function isTakenOver({ commandId }: Owner, { commands }: Known, orderId: string): boolean {
  const command = commands.find((candidate) => candidate.commandId === commandId);
  return command !== undefined && command.orderId !== null && command.orderId !== orderId;
}

function writeSighting(
  tx: Transaction,
  account: AccountId,
  sighting: OrderFact | DealFact,
  owner: Owner,
): Promise<readonly TouchedOrder[]> {
  return sighting.kind === 'order'
    ? writeOrder(tx, account, sighting, owner)
    : writeBareOrder(tx, account, { ...sighting, state: 'FILLED' }, owner);
}

async function putPosition({ tx, account, touched }: Entry, known: Known, position: PositionFact): Promise<void> {
  const isNewest = await writePosition(tx, account, position);
  const owner = known.trades.find(({ positionId }) => positionId === position.positionId);
  if (isNewest && owner !== undefined) touched.trade(owner.tradeId);
}

const logDeal: Statement = {
  name: 'event-deal',
  text: `insert into event_log (account_id, trade_id, type, body) values ($1::bigint, $2, 'deal.added', $3)`,
};

function dealLine({ dealId, orderId, entry, lots, price, reason }: DealFact, cause: FactCause): string {
  return JSON.stringify({ dealId, orderId, entry, lots, price, reason, cause });
}

const logSecond: Statement = {
  name: 'event-second',
  text: `insert into event_log (account_id, trade_id, type, body, wakes) values ($1::bigint, $2, 'order.second', $3, true)`,
};

/** Frozen until a person or a policy decided; an hour, because the excess is at the market meanwhile. */
const openCase: Statement = {
  name: 'case-open',
  text: `insert into discrepancy_case (id, account_id, trade_id, kind, state, evidence, deadline)
    values (md5($3 || '/' || $1 || '/' || $4)::uuid, $1::text::bigint, $2, $3::text, 'OPEN', $5, now() + interval '1 hour') on conflict (id) do nothing`,
};

async function reportSecondOrder(
  { tx, account, touched }: Entry,
  command: TaggedCommand,
  sighting: OrderFact | DealFact,
): Promise<readonly TouchedOrder[]> {
  const { commandId, tag, orderId: first } = command;
  const body = JSON.stringify({ commandId, tag, first, second: sighting.orderId });
  touched.trade(command.tradeId);
  touched.second.add(command.tradeId);
  await Promise.all([
    tx.run(logSecond, [account, command.tradeId, body]),
    tx.run(openCase, [account, command.tradeId, 'second-order', sighting.orderId, body]),
  ]);
  return [];
}

export interface Hearing {
  /** Hears of it through its caller's answer. */
  readonly trade: TradeId | null;
  readonly readBack: ReadBack | null;
}

/** Lets each touched trade follow its rows. */
export async function followTrades(tx: Transaction, touched: Touched, hearing: Hearing): Promise<void> {
  for (const [trade, orders] of touched.orders) {
    const book = await withPosition(tx, await existing(tx, trade), orders);
    const readBack = hearing.trade === trade ? hearing.readBack : null;
    const next = follow(book, { touchedOrders: [...orders], readBack, secondOrder: touched.second.has(trade) });
    await writeFollowUp(tx, book, next, { hearing: hearing.trade, isTouched: orders.size > 0 });
  }
}

/** Lets one trade follow what its caller just changed, and shows it. */
export async function followOne(tx: Transaction, trade: TradeId): Promise<TradeView> {
  const touched = new Touched();
  touched.trade(trade);
  await followTrades(tx, touched, { trade, readBack: null });
  return viewOf(await existing(tx, trade));
}

/** @throws InvariantViolated when there is no such trade */
export async function existing(tx: Transaction, trade: TradeId): Promise<Book> {
  const book = await loadBook(tx, trade);
  if (book === null) throw new InvariantViolated(`trade "${trade}" is not in the book`);
  return book;
}

const setPosition: Statement = {
  name: 'trade-position',
  text: 'update trade set position_key = $2, version = version + 1 where id = $1 and position_key is null',
};
const adoptOrders: Statement = {
  name: 'orders-adopt',
  text: `update trade_order set trade_id = $2, version = version + 1, origin = case reason when 'SL' then 'SERVER_SL' when 'TP' then 'SERVER_TP'
      when 'STOP_OUT' then 'STOP_OUT' else 'EXTERNAL' end
    where account_id = $1::bigint and position_id = $3 and trade_id is null and command_id is null returning id`,
};

/** The trade's first opening deal tells its position, and with it the orders that came before it. */
async function withPosition(tx: Transaction, book: Book, touched: Set<string>): Promise<Book> {
  const position = book.trade.positionKey === null ? openedPosition(book) : null;
  if (position === null) return book;
  for (const id of await adoptPosition(tx, book, position)) touched.add(id);
  return existing(tx, book.trade.id);
}

/** Makes the position the trade's; answers the orders that are its own since. */
export async function adoptPosition(tx: Transaction, { trade }: Book, position: string): Promise<readonly string[]> {
  const [, adopted] = await Promise.all([
    tx.run(setPosition, [trade.id, `p:${position}`]),
    tx.rows<{ readonly id: string }>(adoptOrders, [trade.accountId, trade.id, position]),
  ]);
  return adopted.map(({ id }) => id);
}

function openedPosition({ deals, orders, commands }: Book): string | null {
  const opening = new Set(commands.filter(({ kind }) => isOpening(kind)).map(({ id }) => id));
  const ours = new Set(
    orders.filter(({ commandId }) => commandId !== null && opening.has(commandId)).map(({ id }) => id),
  );
  return (
    deals.find(({ entry, orderId, positionId }) => entry === 'IN' && positionId !== null && ours.has(orderId))
      ?.positionId ?? null
  );
}

const ownWakes: Statement = {
  name: 'wakes-own',
  text: `select id::text as "eventId", account_id::text as "accountId", trade_id as "tradeId", type from event_log
    where xid = pg_current_xact_id() and account_id = $1::bigint and wakes and delivered_at is null order by id`,
};

/** Trades that this transaction's facts must wake. */
export async function wakesOf(tx: Transaction, account: AccountId): Promise<readonly Wake[]> {
  const rows = await tx.rows<Wake & Record<string, unknown>>(ownWakes, [account]);
  return rows.map((row) => ({ ...row, tradeId: tradeId(row.tradeId) }));
}
