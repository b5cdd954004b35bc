import type { Clock } from '../clock.ts';
import { compare } from '../domain/decimal.ts';
import type { DealFact, OrderFact, PositionFact, Quote, UtcMs } from '../domain/facts.ts';
import { openStep, type AccountId, type PositionId, type StepKey, type TradeId } from '../domain/ids.ts';
import type { Instrument } from '../domain/instrument.ts';
import type { CommandPlan, CommandReport } from '../domain/trade/intent.ts';
import type { TradePreview } from '../domain/trade/preview.ts';
import type { TradeRequest } from '../domain/trade/request.ts';
import type { TradeView } from '../domain/trade/view.ts';
import { executeCommand, tradeFacts, type CommandResult } from './command-ledger.ts';
import { type BrokerAccount, type Candle, type Capabilities, type Connector, type Snapshot } from './connector.ts';
import { placeTrade, previewTrade, refuseOpen, usable, type OpenResult, type UsableAccount } from './place-trade.ts';
import type { Reads } from './preflight.ts';
import type { AccountRecord, Records, Wake } from './records.ts';
import { resolveCommand, type Resolution } from './resolve.ts';

/** The way from an account to its platform; `null` credentials never leave it. */
export interface AccountAccess {
  /** `null` when no connector is registered for the platform. */
  connectorFor(platform: string): Connector | null;
  /** The account with its credentials opened, in memory only. */
  reach(account: AccountRecord): BrokerAccount;
}

/** One structured event on every execution, with the seed's marker text. */
export interface ExecutionLog {
  executed(event: {
    readonly flow: string;
    readonly accountId: AccountId;
    readonly tradeId: TradeId;
    readonly stepKey: StepKey;
    readonly ok: boolean;
    readonly outcome: CommandReport['kind'];
  }): void;
}

export interface TradingDeps {
  readonly records: Records;
  readonly access: AccountAccess;
  readonly clock: Clock;
  readonly log: ExecutionLog;
}

/** A quote with its age; a stale one is shown, never acted on. */
export interface LivePrice {
  readonly symbol: string;
  readonly bid: Quote['bid'];
  readonly ask: Quote['ask'];
  readonly timestamp: UtcMs;
  readonly ageMs: number;
}

/** The one door to the brokers. Commands answer, reads throw `Unavailable`. */
export type TradingService = ReturnType<typeof createTradingService>;

/** A broker that moved, or new credentials, are noticed after this at the latest. */
const wayFreshMs = 5_000;

/** Instrument facts change rarely; sessions and modes are asked again after this. */
const instrumentFreshMs = 10_000;

/**
 * The only road to a broker: activities, and nothing else, call it. Its methods keep the seed's names in camelCase
 * (`docs/seed-map.md`).
 */
export function createTradingService(deps: TradingDeps) {
  const ways = new Map<AccountId, { readonly readAt: number; readonly account: AccountRecord }>();
  const instruments = new Map<string, { readonly readAt: number; readonly value: Promise<Instrument> }>();

  const record = async (id: AccountId): Promise<AccountRecord> => {
    const account = await deps.records.account(id);
    if (account === null) throw new UnknownAccount(`there is no account "${id}"`);
    return account;
  };

  const readsOf = (account: AccountRecord): Reads => {
    const connector = deps.access.connectorFor(account.platform);
    if (connector === null)
      throw new UnknownAccount(`no connector serves platform "${account.platform}" of account ${account.name}`);
    const broker = deps.access.reach(account);
    let shown: Promise<Snapshot> | null = null;
    return {
      account: broker,
      connector,
      isNetting: account.marginMode === 'NETTING',
      instrument: (symbol) => freshInstrument(connector, broker, symbol),
      snapshot: () => (shown ??= connector.snapshot(broker)),
    };
  };

  const freshInstrument = (connector: Connector, account: BrokerAccount, symbol: string): Promise<Instrument> => {
    const key = `${account.id}/${symbol}`;
    const known = instruments.get(key);
    if (known !== undefined && deps.clock.monotonic() - known.readAt < instrumentFreshMs) return known.value;
    const value = connector.instrument(account, symbol);
    instruments.set(key, { readAt: deps.clock.monotonic(), value });
    value.catch(() => instruments.delete(key));
    return value;
  };

  /** The way to an account is some seconds old at most; whether it may trade is checked anew by every claim. */
  const reach = async (id: AccountId): Promise<Reads> => {
    const known = ways.get(id);
    if (known !== undefined && deps.clock.monotonic() - known.readAt < wayFreshMs) return readsOf(known.account);
    const account = await record(id);
    ways.set(id, { readAt: deps.clock.monotonic(), account });
    return readsOf(account);
  };

  const logged = <Result extends { readonly report: CommandReport }>(
    plan: Pick<CommandPlan, 'accountId' | 'tradeId' | 'stepKey'>,
    flow: string,
    result: Result,
  ): Result => {
    const { kind } = result.report;
    deps.log.executed({
      flow,
      accountId: plan.accountId,
      tradeId: plan.tradeId,
      stepKey: plan.stepKey,
      ok: kind === 'confirmed' || kind === 'accepted',
      outcome: kind,
    });
    return result;
  };

  /** The broker is asked while our own book is read; a failed answer is told to the one who looks at it. */
  const reachAndAsk = async (id: AccountId): Promise<Reads> => {
    const reads = await reach(id);
    reads.snapshot().catch(() => undefined);
    return reads;
  };

  const usableFor = async (request: TradeRequest): Promise<UsableAccount> => {
    const account = await deps.records.account(request.accountId);
    return usable(request, account, account === null ? null : deps.access.connectorFor(account.platform));
  };

  const execute = async (plan: CommandPlan, cancelled: AbortSignal): Promise<CommandResult> => {
    const [reads, view] = await Promise.all([reachAndAsk(plan.accountId), deps.records.trade(plan.tradeId)]);
    if (view === null) throw new UnknownAccount(`there is no trade ${plan.tradeId}`);
    return logged(plan, plan.intent.kind, await executeCommand(deps, plan, view, reads, cancelled));
  };

  return {
    /** what the platform can do, `null` when it is not supported. */
    isPlatformSupported: (platform: string): Capabilities | null =>
      deps.access.connectorFor(platform)?.capabilities ?? null,

    /**
     * checks the request against the broker's rules, records the trade, sends the opening order once. The same request
     * again meets the same trade; another body under its key is denied.
     */
    placeTrade: async (request: TradeRequest, attempt: number, cancelled: AbortSignal): Promise<OpenResult> => {
      const found = await usableFor(request);
      if ('denial' in found) return refuseOpen(deps, request, found.denial);
      const placed = await placeTrade(deps, request, readsOf(found.account), { attempt, cancelled });
      return logged({ ...request, stepKey: openStep }, 'OPEN', placed);
    },

    /** The checks of an opening and what it would come to now; nothing is sent. @throws Unavailable when the broker is away */
    previewTrade: async (request: TradeRequest): Promise<TradePreview> => {
      const found = await usableFor(request);
      return 'denial' in found
        ? { kind: 'denied', denial: found.denial }
        : previewTrade(request, readsOf(found.account));
    },

    /** closes all or part of a position, always by its id, down to what the plan leaves. */
    closePosition: execute,
    /** sets protection, both legs at once, read back; a stop is loosened only on a person's order. */
    modifyPositionProtection: execute,
    /** cancels a resting entry order; a fill that wins the race is a fill. */
    cancelOrder: execute,

    /** One read-only look at what became of a command; `null` when its trade was never recorded. */
    resolveCommand: async (
      step: { readonly tradeId: TradeId; readonly accountId: AccountId; readonly stepKey: StepKey },
      look: number,
    ): Promise<Resolution | null> => resolveCommand(deps, step, await reach(step.accountId), look),

    /**
     * reads what the broker shows of one trade and puts it through the door; answers the book afterwards.
     *
     * @throws Unavailable when a read was not complete
     */
    fetchTradeSyncData: async (id: TradeId, account: AccountId): Promise<TradeView> => {
      const [reads, view] = await Promise.all([reach(account), deps.records.trade(id)]);
      if (view === null) throw new UnknownAccount(`there is no trade ${id}`);
      await deps.records.ingest(account, await tradeFacts(reads.connector, reads.account, view), 'sync', id);
      return (await deps.records.trade(id)) ?? view;
    },

    /**
     * Brings the book up to date with one complete snapshot: positions, orders and figures go through the door, and each live
     * trade whose position is missing or of another size is read in full. For a link that was away.
     *
     * @throws Unavailable when a read was not complete
     */
    synchronizeAccount: async (id: AccountId): Promise<readonly Wake[]> => synchronize(deps, id, await reach(id)),

    /** one position, `null` when the broker does not list it (yet). */
    getPositionDetails: async (account: AccountId, position: PositionId): Promise<PositionFact | null> => {
      const { positions } = await snapshotOf(await reach(account));
      return positions.find(({ positionId }) => positionId === position) ?? null;
    },
    /** the full list with its moment; a failed read throws. */
    getOpenPositions: async (account: AccountId): Promise<Snapshot> => snapshotOf(await reach(account)),
    /** orders that rest at the broker. */
    getPendingOrders: async (account: AccountId): Promise<readonly OrderFact[]> =>
      (await snapshotOf(await reach(account))).workingOrders,
    /** contract facts of a symbol, at most ten seconds old. @throws UnknownSymbol */
    getSymbolInfo: async (account: AccountId, symbol: string): Promise<Instrument> =>
      (await reach(account)).instrument(symbol),
    /** the current quote with its age. */
    getLivePrice: async (account: AccountId, symbol: string): Promise<LivePrice> => {
      const reads = await reach(account);
      const { bid, ask, time } = await reads.connector.quote(reads.account, symbol);
      return { symbol, bid, ask, timestamp: time, ageMs: Math.max(0, deps.clock.now() - time) };
    },
    /** bars of the past, oldest first. */
    getHistoricalCandles: async (
      account: AccountId,
      symbol: string,
      seconds: number,
      from: UtcMs,
      to: UtcMs,
    ): Promise<readonly Candle[]> => {
      const reads = await reach(account);
      return reads.connector.candles(reads.account, symbol, seconds, from, to);
    },
    /** Deals of a window, for comparing the broker's book with ours. */
    getDeals: async (account: AccountId, from: UtcMs, to: UtcMs): Promise<readonly DealFact[]> => {
      const reads = await reach(account);
      return reads.connector.deals(reads.account, { by: 'window', from, to });
    },
    /** Logs in and reports; a netted account on a platform that cannot trade one, or trading switched off, is refused. */
    verifyAccount: async (id: AccountId, actor: string): Promise<AccountRecord> => {
      const reads = await reach(id);
      const verified = await reads.connector.verify(reads.account);
      if (!reads.connector.capabilities.marginModes.includes(verified.marginMode)) {
        throw new UnknownAccount(
          `${reads.connector.platform} accounts with ${verified.marginMode} margin cannot be served`,
        );
      }
      if (verified.tradeRefusal !== null)
        throw new UnknownAccount(`the broker does not allow trading: ${verified.tradeRefusal}`);
      return deps.records.accountVerified(id, verified, actor);
    },
  };
}

async function synchronize(
  { records }: TradingDeps,
  id: AccountId,
  { connector, account }: Reads,
): Promise<readonly Wake[]> {
  // The book is read first: a trade that opens meanwhile is not mistaken for one that is missing at the broker.
  const live = await records.liveTrades(id);
  const snapshot = await connector.snapshot(account);
  const wakes = [
    ...(await records.ingest(
      id,
      [snapshot.balance, ...snapshot.workingOrders, ...snapshot.positions],
      'reconcile',
      null,
    )),
  ];
  for (const trade of live) {
    const position = snapshot.positions.find(({ positionId }) => positionId === trade.positionId);
    if (position !== undefined && compare(position.lots, trade.remainingLots) === 0) continue;
    const view = await records.trade(trade.tradeId);
    if (view !== null)
      wakes.push(...(await records.ingest(id, await tradeFacts(connector, account, view), 'reconcile', null)));
  }
  return wakes;
}

const snapshotOf = ({ connector, account }: Reads): Promise<Snapshot> => connector.snapshot(account);

/** An account, trade or platform that does not exist: asking again does not help. */
export class UnknownAccount extends Error {
  override readonly name = 'UnknownAccount';
}
