import { systemClock } from '../../src/clock.ts';
import { configOfThisProcess } from '../../src/config.ts';
import { lots } from '../../src/domain/decimal.ts';
import type { StepKey, TradeId } from '../../src/domain/ids.ts';
import type { Wish } from '../../src/domain/trade/desk.ts';
import type { TradeView } from '../../src/domain/trade/view.ts';
import { commandIdOf } from '../../src/identity.ts';
import { createSteering, type Answer, type OpenOrder, type Steering } from '../../src/steering/trades.ts';
import type { Bounds } from '../../src/trading/connector.ts';
import type { AccountRecord, CommandRow } from '../../src/trading/records.ts';
import { sealCredentials } from '../../workers/compose.ts';
import { startStack, type Stack } from '../../workers/stack.ts';
import {
  defaultTiming,
  tradeWorkflowId,
  type OpenAnswer,
  type TradeTiming,
  type WishAnswer,
} from '../../workflows/contract.ts';
import { tempHome } from '../support/temp-folder.ts';
import { temporalProgram } from '../support/temporal.ts';

/** A whole Belay on real processes with a market that moves only by hand, and one account per scenario. */
export interface Stage {
  readonly stack: Stack;
  readonly steering: Steering;
  account(name: string): AccountRecord;
  /** The last lines the processes said, oldest first. */
  readonly said: readonly string[];
  close(): Promise<void>;
}

export interface StageOptions {
  /** One hedging account of its own for each, so that a fault of one scenario strikes no other. */
  readonly accounts: readonly string[];
  readonly bounds?: Partial<Bounds>;
  readonly simulator?: readonly string[];
  readonly markets?: number;
  /** The `temporal` program; what Jest's global set-up found when it is left out. */
  readonly temporalCliPath?: string | null;
}

const linesKept = 40;

export async function raiseStage(options: StageOptions): Promise<Stage> {
  const folder = await tempHome();
  const said: string[] = [];
  const listen = (role: string, line: string) => {
    said.push(`${role}: ${line.slice(0, 400)}`);
    if (said.length > linesKept) said.shift();
  };
  try {
    const stack = await startStack({
      config: {
        ...configOfThisProcess(),
        home: folder.path,
        logLevel: 'warn',
        executionMode: 'live',
        databaseUrl: null,
        temporalAddress: null,
        temporalCliPath: options.temporalCliPath === undefined ? temporalProgram() : options.temporalCliPath,
      },
      simulator: ['--market', 'manual', ...(options.simulator ?? [])],
      say: () => undefined,
      onLog: listen,
      onEvent: (event) => listen('event', JSON.stringify(event)),
      ...(options.markets === undefined ? {} : { markets: options.markets }),
    });
    const close = async () => {
      await stack.stop();
      await folder.remove();
    };
    return await furnished(stack, options, { said, close });
  } catch (error) {
    await folder.remove();
    throw error;
  }
}

async function furnished(stack: Stack, options: StageOptions, rest: Pick<Stage, 'said' | 'close'>): Promise<Stage> {
  try {
    const accounts = new Map<string, AccountRecord>();
    for (const name of options.accounts) accounts.set(name, await openAccount(stack, name, options.bounds ?? {}));
    const account = (name: string) => {
      const found = accounts.get(name);
      if (found === undefined) throw new Error(`the stage has no account "${name}"`);
      return found;
    };
    const stage: Stage = { ...rest, stack, account, steering: createSteering(stack.parts) };
    for (const symbol of ['EURUSD', 'GBPUSD']) await quote(stage, symbol, basePoints(symbol));
    return stage;
  } catch (error) {
    await rest.close();
    throw error;
  }
}

async function openAccount(
  { parts, simulator, addresses }: Stack,
  name: string,
  bounds: Partial<Bounds>,
): Promise<AccountRecord> {
  await simulator.createAccount({
    login: name,
    password: 'sim',
    currency: 'EUR',
    hedging: true,
    balance: '10000',
    leverage: 500,
  });
  const added = await parts.records.addAccount({
    name,
    platform: 'sim',
    endpoint: addresses.simulator,
    login: name,
    marginMode: 'HEDGING',
    currency: 'EUR',
    executionMode: 'live',
    sealedCredentials: sealCredentials(parts.keys, name, { password: 'sim' }),
    bounds,
  });
  return parts.trading.verifyAccount(added.id, 'test');
}

/** Where a scenario's market starts: the bid in points. */
export const basePoints = (symbol: string): number => (symbol === 'EURUSD' ? 108_490 : 126_490);

/** A quote by hand: `bid` in points, the ask one pip above. */
export async function quote(stage: Stage, symbol: string, bid: number): Promise<void> {
  const text = (points: number) => (points / 100_000).toFixed(5);
  await stage.stack.simulator.pushQuote({ symbol, bid: text(bid), ask: text(bid + 10) });
}

/** 0.6 lots bought at the ask, stop 20 pips below, targets at 10, 20 and 40 pips, breakeven 1 pip above the entry after the first. */
export const ladder: Omit<OpenOrder, 'accountId'> = {
  symbol: 'EURUSD',
  side: 'BUY',
  volume: lots('0.6'),
  entry: { type: 'MARKET' },
  stopLoss: { pips: '20' },
  takeProfit: null,
  targets: [
    { at: { pips: '10' }, size: { share: '50' }, late: 'act-if-beyond' },
    { at: { pips: '20' }, size: { share: '30' }, late: 'act-if-beyond' },
    { at: { pips: '40' }, size: { rest: true }, late: 'act-if-beyond' },
  ],
  breakeven: { afterLevel: 1, offset: { points: '10' } },
  requestedBy: 'test',
};

export interface Opened {
  readonly tradeId: TradeId;
  readonly account: AccountRecord;
  readonly answer: Answer<OpenAnswer>;
}

export interface OpenWith {
  readonly key?: string;
  readonly order?: Partial<OpenOrder>;
  readonly timing?: Partial<TradeTiming>;
  readonly waitMs?: number;
}

/** Opens a trade on the account of this name through the same door as every surface. */
export async function open(stage: Stage, name: string, how: OpenWith = {}): Promise<Opened> {
  const account = stage.account(name);
  const order: OpenOrder = { ...ladder, accountId: account.id, ...how.order };
  const { tradeId, answer } = await stage.steering.openTrade(order, {
    idempotencyKey: how.key ?? `${name}-trade`,
    platform: 'sim',
    waitMs: how.waitMs ?? 20_000,
    timing: { ...defaultTiming, ...how.timing },
  });
  return { tradeId, account, answer };
}

/** What a person may ask of a trade, without the names that the test gives it. */
type Asked<W = Wish> = W extends Wish ? Omit<W, 'requestId' | 'by'> : never;

export function ask(
  stage: Stage,
  { tradeId, account }: Opened,
  requestId: string,
  wish: Asked,
  waitMs = 15_000,
): Promise<Answer<WishAnswer>> {
  return stage.steering.ask(account.id, tradeId, { requestId, by: 'test', ...wish }, waitMs);
}

export const closeAll = {
  kind: 'close',
  emergency: false,
  reason: { reason: 'MANUAL', subreason: 'TEST', text: 'closed by the test' },
} as const;

export async function view(stage: Stage, { tradeId }: Pick<Opened, 'tradeId'>): Promise<TradeView> {
  const found = await stage.stack.parts.records.trade(tradeId);
  if (found === null) throw new Error(`trade ${tradeId} is not in the book`);
  return found;
}

export function command(
  stage: Stage,
  { tradeId }: Pick<Opened, 'tradeId'>,
  stepKey: string,
): Promise<CommandRow | null> {
  return stage.stack.parts.records.command(commandIdOf(tradeId, stepKey as StepKey));
}

/** Looks until the trade's view fits, and answers it. */
export function untilView(
  stage: Stage,
  trade: Pick<Opened, 'tradeId'>,
  what: string,
  fits: (view: TradeView) => boolean,
  withinMs = 20_000,
): Promise<TradeView> {
  return until(stage, what, () => view(stage, trade), fits, withinMs);
}

const lookEveryMs = 20;

/**
 * Looks until what is seen fits, and answers it; a look that fails (a part is down) is one that does not fit.
 *
 * @throws Error with what was seen last, when it does not come within the time
 */
export async function until<Seen>(
  stage: Stage,
  what: string,
  look: () => Promise<Seen>,
  fits: (seen: Seen) => boolean,
  withinMs = 20_000,
): Promise<Seen> {
  const deadline = systemClock.monotonic() + withinMs;
  for (let last: unknown = 'nothing'; ;) {
    try {
      const seen = await look();
      if (fits(seen)) return seen;
      last = seen;
    } catch (error) {
      last = error;
    }
    if (systemClock.monotonic() > deadline)
      throw new Error(
        `not seen within ${withinMs} ms: ${what}\nlast: ${shown(last)}\n${stage.said.slice(-12).join('\n')}`,
      );
    await systemClock.sleep(lookEveryMs);
  }
}

const shown = (value: unknown) => (value instanceof Error ? String(value.stack) : JSON.stringify(value));

export const targetState = ({ targets }: TradeView, level: number) =>
  targets.find((target) => target.level === level)?.state;

/** Nothing under way and nothing provisional. */
export const isQuiet = ({ unsettled, settling }: TradeView) => unsettled === null && !settling;

/** How the trade's workflow ended; rejects when it does not end in time. */
export async function result(
  stage: Stage,
  { tradeId, account }: Pick<Opened, 'tradeId' | 'account'>,
  withinMs = 20_000,
): Promise<unknown> {
  const handle = stage.stack.parts.client.workflow.getHandle(tradeWorkflowId(account.id, tradeId));
  return stage.stack.parts.client.withDeadline(systemClock.now() + withinMs, () => handle.result());
}
