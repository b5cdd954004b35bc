import { tradeStory, type TradeStory } from '../../src/db/queries.ts';
import { fromPoints, lots, toPoints } from '../../src/domain/decimal.ts';
import type { TradeId } from '../../src/domain/ids.ts';
import { createSteering, type OpenOrder } from '../../src/steering/trades.ts';
import type { AccountRecord } from '../../src/trading/records.ts';
import type { QuoteCursor } from '../../src/trading/connector.ts';
import type { Stack } from '../stack.ts';
import { audit } from './audit.ts';
import { atRest, until } from './rest.ts';
import { breakevenLine, closedLine, crossedLine, openedLine, targetLine } from './story.ts';
import { secondsSince, summarize, type Summary } from './summary.ts';

export interface DemoDeps {
  readonly stack: Stack;
  /** Shows one line of the story. */
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  /** Monotonic moment at which the whole start began. */
  readonly beganMs: number;
}

const symbol = 'EURUSD';
const name = 'T1';
const accountName = 'SIM-HEDGE';
/** Where the market stands when nothing was ever quoted, in points. */
const firstBid = 108_490;
const digits = 5;
const spread = 10;
const tickMs = 110;
const stepPoints = 11;
/** The engine stays away long enough for a level to be crossed without it. */
const engineDownMs = 2_000;
/** The trade is at rest when the engine is killed: what was in its hands would wait for a time-out instead. */
const restMs = 400;
const withinMs = 30_000;

/** One trade with three targets, from open to closed, with the engine killed in the middle. */
export async function runDemo(deps: DemoDeps): Promise<Summary> {
  const { parts } = deps.stack;
  const account = (await parts.records.accounts()).find((candidate) => candidate.name === accountName);
  if (account === undefined) throw new Error(`account ${accountName} is missing`);
  const scene = createScene(deps, account);

  const after = await scene.beginMarket();
  const { id, story } = await openTrade(deps, scene, account);
  await firstTarget(scene, id, story);
  await secondTargetAlone(deps, scene, id, story);
  await lastTarget(scene, id, story);
  return closeTheBooks(deps, scene, id, after);
}

type Scene = ReturnType<typeof createScene>;

/** The stage: a market that is moved by hand, the clock of the story, and the book to read from. */
function createScene({ stack, say, signal }: DemoDeps, account: AccountRecord) {
  const { parts, simulator } = stack;
  const { clock, records, trading } = parts;
  const began = clock.monotonic();
  let bid = firstBid;

  const push = () =>
    simulator.pushQuote({ symbol, bid: fromPoints(bid, digits), ask: fromPoints(bid + spread, digits) });
  const tell = (line: string) => {
    const at = Math.round((clock.monotonic() - began) / 1_000);
    say(`${String(Math.floor(at / 60)).padStart(2, '0')}:${String(at % 60).padStart(2, '0')}  ${line}`);
  };
  const read = async (id: TradeId) => tradeStory(records.pool, id);

  return {
    tell,
    /** Stands where the market stood last; answers the quote the story begins after. */
    beginMarket: async (): Promise<QuoteCursor> => {
      const last = await trading.getLivePrice(account.id, symbol).catch(() => null);
      if (last !== null) bid = toPoints(last.bid, digits);
      const { sequence, time } = await push();
      return { sequence: sequence - 1, time: time - 1 };
    },
    /** Moves the bid up in small steps until it has reached `to`. */
    walkUpTo: async (to: number) => {
      while (bid < to) {
        await clock.sleep(tickMs, signal);
        bid = Math.min(bid + stepPoints, to + 1);
        await push();
      }
    },
    /** The trade's story once it is as `wanted`; looks into the book. */
    when: (id: TradeId, what: string, wanted: (story: TradeStory) => boolean) =>
      until(parts, { what, withinMs, signal }, async () => {
        const story = await read(id);
        return story !== null && wanted(story) ? story : null;
      }),
  };
}

const done = (level: number) => (story: TradeStory) =>
  story.view.targets.some((target) => target.level === level && target.state === 'DONE');

async function openTrade({ stack, signal }: DemoDeps, scene: Scene, account: AccountRecord) {
  const { clock } = stack.parts;
  const steering = createSteering(stack.parts);
  const target = (pips: string, size: OpenOrder['targets'][number]['size']) => ({
    at: { pips },
    size,
    late: 'act-if-beyond' as const,
  });
  const order: OpenOrder = {
    accountId: account.id,
    symbol,
    side: 'BUY',
    volume: lots('0.6'),
    entry: { type: 'MARKET' },
    stopLoss: { pips: '20' },
    takeProfit: null,
    targets: [target('10', { share: '50' }), target('20', { share: '30' }), target('40', { rest: true })],
    breakeven: { afterLevel: 1, offset: { points: '10' } },
    requestedBy: 'demo',
  };
  const idempotencyKey = `demo-${clock.now()}-${process.pid}`;
  const { tradeId: id, answer } = await steering.openTrade(order, {
    idempotencyKey,
    platform: account.platform,
    waitMs: withinMs,
  });
  signal.throwIfAborted();
  if (answer.kind !== 'answered' || answer.value.reply.kind !== 'confirmed')
    throw new Error(`the demo trade was not opened: ${JSON.stringify(answer)}`);
  const story = await scene.when(id, 'the open', ({ view }) => view.targets.every(({ price }) => price !== null));
  scene.tell(openedLine(name, story));
  return { id, story };
}

const priceOf = (story: TradeStory, level: number) =>
  toPoints(story.view.targets[level - 1]?.price ?? story.view.entryPrice ?? fromPoints(0, digits), digits);

async function firstTarget(scene: Scene, id: TradeId, opened: TradeStory): Promise<void> {
  await scene.walkUpTo(priceOf(opened, 1));
  const story = await scene.when(id, 'target 1', done(1));
  scene.tell(targetLine(name, story, 1));
  const protectedStory = await scene.when(id, 'breakeven', ({ view }) => view.breakeven.state === 'DONE');
  scene.tell(breakevenLine(name, protectedStory));
}

async function secondTargetAlone(
  { stack, signal }: DemoDeps,
  scene: Scene,
  id: TradeId,
  opened: TradeStory,
): Promise<void> {
  const { clock } = stack.parts;
  const engine = stack.part('engine');
  await clock.sleep(restMs, signal);
  const pid = engine?.pid() ?? 0;
  const killedAt = clock.monotonic();
  await engine?.kill9(engineDownMs);
  scene.tell(`⚡ engine process ${pid} killed with signal 9 (part of the demo)`);
  await scene.walkUpTo(priceOf(opened, 2));
  const crossed = await scene.when(id, 'the crossing of target 2', (story) => crossedLine(name, story, 2) !== null);
  scene.tell(`${crossedLine(name, crossed, 2) ?? ''} while no engine was running`);
  await engine?.up();
  scene.tell(
    `✔ engine back as process ${engine?.pid() ?? 0} after ${((clock.monotonic() - killedAt) / 1_000).toFixed(1)} s`,
  );
  scene.tell(targetLine(name, await scene.when(id, 'target 2', done(2)), 2));
}

async function lastTarget(scene: Scene, id: TradeId, opened: TradeStory): Promise<void> {
  await scene.walkUpTo(priceOf(opened, 3));
  const story = await scene.when(id, 'the end of the trade', ({ view }) => view.state === 'CLOSED');
  scene.tell(targetLine(name, story, 3));
  scene.tell(closedLine(name, story));
}

async function closeTheBooks(
  { stack, signal, beganMs }: DemoDeps,
  scene: Scene,
  id: TradeId,
  after: QuoteCursor,
): Promise<Summary> {
  const { parts } = stack;
  await atRest(parts, withinMs, signal);
  const found = await audit(stack, { symbol, after });
  const { dealsEngine, dealsBroker, duplicates, booksEqual, unrest } = found;
  const fired = found.watches.filter(({ tradeId, state }) => tradeId === id && state === 'FIRED').length;
  const problems = [...found.problems, ...(fired === 3 ? [] : [`${fired} of 3 targets fired once`])];
  scene.tell(
    `ledger: ours ${booksEqual ? '=' : '≠'} broker ${booksEqual ? '✔' : '✘'}   deals ${dealsEngine} and ${dealsBroker}, duplicates ${duplicates}, unknown ${unrest.unsettledCommands}`,
  );
  for (const problem of problems) scene.tell(`✘ ${problem}`);
  const seconds = secondsSince(beganMs, parts.clock.monotonic());
  return summarize(
    {
      trades: 1,
      targetsFired: fired,
      dealsEngine,
      dealsBroker,
      duplicates,
      unknown: unrest.unsettledCommands,
      booksEqual,
      kills: 1,
      seconds,
    },
    problems,
  );
}
