import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { configOfThisProcess, type Config } from '../src/config.ts';
import { fromPoints, lots } from '../src/domain/decimal.ts';
import type { TradeId } from '../src/domain/ids.ts';
import type { TradeView } from '../src/domain/trade/view.ts';
import { createControl, type Control } from '../src/simulator/control-client.ts';
import { createSteering } from '../src/steering/trades.ts';
import type { AccountRecord } from '../src/trading/records.ts';
import { sealCredentials, type Parts } from '../workers/compose.ts';
import { startSession } from '../workers/sessions.ts';
import { startStack, type Stack } from '../workers/stack.ts';
import { startBroker, type BenchBroker } from './broker-process.ts';

/** A whole Belay in processes of its own, and an account at a broker that stamps what happens to it. */
export interface Stand {
  readonly stack: Stack;
  readonly parts: Parts;
  readonly account: AccountRecord;
  readonly broker: BenchBroker;
  /** The market at this bid, in points; the ask stands ten points above. */
  quote(bidPoints: number): Promise<void>;
  /** A buy whose targets stand so many pips above {@link ENTRY_POINTS}; answers when it is open and watched. */
  open(name: string, pips: readonly number[], breakeven?: boolean): Promise<TradeId>;
  /** The trade once `holds`. @throws Error after ten seconds */
  until(trade: TradeId, holds: (view: TradeView) => boolean): Promise<TradeView>;
  stop(): Promise<void>;
}

export interface Home {
  readonly path: string;
  remove(): Promise<void>;
}

const SYMBOL = 'EURUSD';
const DIGITS = 5;
export const ENTRY_POINTS = 108_500;
const SPREAD_POINTS = 10;
const WITHIN_MS = 10_000;
const POLL_MS = 5;

export const root = fileURLToPath(new URL('..', import.meta.url));

/** A data folder that goes with the run. */
export async function benchHome(): Promise<Home> {
  const path = await mkdtemp(join(tmpdir(), 'belay-bench-'));
  // PostgreSQL may run as another user than we do.
  await chmod(path, 0o755);
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

export function benchConfig(home: string): Config {
  return { ...configOfThisProcess(), home, logLevel: 'error' };
}

/** Starts everything; `work` has it until it returns or throws. */
export async function* onStand<Result>(work: (stand: Stand) => AsyncGenerator<Result>): AsyncGenerator<Result> {
  const home = await benchHome();
  try {
    const stand = await startStand(home.path);
    try {
      yield* work(stand);
    } finally {
      await stand.stop();
    }
  } finally {
    await home.remove();
  }
}

async function startStand(home: string): Promise<Stand> {
  const stack = await startStack({
    config: benchConfig(home),
    simulator: ['--market', 'manual'],
    say: () => undefined,
  });
  try {
    const broker = await startBroker(join(home, 'bench-broker'), root);
    const control = createControl(broker.controlAddress, stack.parts.clock.now);
    const stop = async () => {
      control.close();
      await stack.stop();
      await broker.stop();
    };
    return standOf(stack, broker, control, stop, await addAccount(stack.parts, broker.address));
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

async function addAccount(parts: Parts, endpoint: string): Promise<AccountRecord> {
  const { records, trading, keys, access, client } = parts;
  const name = 'BENCH';
  const added = await records.addAccount({
    name,
    platform: 'sim',
    endpoint,
    login: name,
    marginMode: 'HEDGING',
    currency: 'EUR',
    executionMode: 'live',
    sealedCredentials: sealCredentials(keys, name, { password: 'sim' }),
    bounds: {},
  });
  const account = await trading.verifyAccount(added.id, 'bench');
  const key = access.connectorFor('sim')?.sessionKey(access.reach(account));
  if (key === undefined) throw new Error('no connector serves the bench account');
  await startSession(client, key);
  return account;
}

function standOf(
  stack: Stack,
  broker: BenchBroker,
  control: Control,
  stop: () => Promise<void>,
  account: AccountRecord,
): Stand {
  const { parts } = stack;
  const { clock, records } = parts;
  const steering = createSteering(parts);
  const quote = async (bid: number) => {
    const text = (points: number) => fromPoints(points, DIGITS);
    await control.pushQuote({ symbol: SYMBOL, bid: text(bid), ask: text(bid + SPREAD_POINTS) });
  };
  const until = async (trade: TradeId, holds: (view: TradeView) => boolean): Promise<TradeView> => {
    for (const end = clock.monotonic() + WITHIN_MS; ;) {
      const view = await records.trade(trade);
      if (view !== null && holds(view)) return view;
      if (clock.monotonic() > end)
        throw new Error(`after ${WITHIN_MS} ms trade ${trade} is still ${JSON.stringify(view)}`);
      await clock.sleep(POLL_MS);
    }
  };
  const open = async (name: string, pips: readonly number[], breakeven = false): Promise<TradeId> => {
    const order = orderOf(account, pips, breakeven);
    const { tradeId } = await steering.openTrade(order, { idempotencyKey: name, platform: 'sim', waitMs: WITHIN_MS });
    await until(tradeId, ({ state, settling }) => state === 'OPEN' && !settling);
    return tradeId;
  };
  return { stack, parts, account, broker, quote, open, until, stop };
}

function orderOf(account: AccountRecord, pips: readonly number[], breakeven: boolean) {
  const share = String(Math.floor(100 / pips.length / 10) * 10);
  return {
    accountId: account.id,
    symbol: SYMBOL,
    side: 'BUY' as const,
    volume: lots('1'),
    entry: { type: 'MARKET' as const },
    stopLoss: { pips: '200' },
    takeProfit: null,
    targets: pips.map((distance, nth) => ({
      at: { pips: String(distance) },
      size: nth === pips.length - 1 ? { rest: true as const } : { share },
      late: 'act-if-beyond' as const,
    })),
    breakeven: breakeven ? { afterLevel: 1, offset: { points: '10' } } : null,
    requestedBy: 'bench',
  };
}

/** The bid that reaches a target so many pips above the entry, which is an ask of {@link ENTRY_POINTS}. */
export function bidAt(pips: number): number {
  return ENTRY_POINTS + pips * 10;
}

/** The bid before the first target, at which all trades are opened. */
export const ENTRY_BID = ENTRY_POINTS - SPREAD_POINTS;
