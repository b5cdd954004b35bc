import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { TradeView } from '../../src/domain/trade/view.ts';
import type { Role } from '../../workers/stack.ts';
import { bothBooks, brokerStops, duplicateEffects, firesPerLevel, stopsSent, unsettled } from './proofs.ts';
import {
  basePoints,
  command,
  isQuiet,
  open,
  quote,
  raiseStage,
  result,
  targetState,
  until,
  untilView,
  view,
  type Opened,
  type Stage,
} from './stage.ts';

/** Where a trade stands when the part dies, and the account it stands on. */
const steps = ['before-claim', 'before-execution', 'before-settle', 'before-breakeven', 'while-crossed'] as const;
type Step = (typeof steps)[number];
type Trades = Readonly<Record<Step, Opened>>;

/** A parked call is given up after this. The broker carries it out when it is released within its own second, else refuses it. */
const parkedMs = 3_000;
const downMs = 1_000;

describe('a part that is killed while trades stand at every step of their life', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await raiseStage({ accounts: steps, bounds: { replyWaitMs: parkedMs, executionDelayMs: parkedMs } });
  }, 60_000);

  afterAll(async () => {
    await stage?.close();
  }, 30_000);

  test.each<Role>(['engine', 'market', 'simulator', 'postgres', 'temporal'])(
    'leaves each target closed once when it is the %s',
    async (victim) => {
      await setMarket(stage);
      const trades = await openAll(stage, victim);
      await parkAll(stage, trades);
      await killWhileCrossing(stage, victim);
      await stage.stack.simulator.clearFaults({});

      for (const step of steps) {
        const protectedView = await untilView(
          stage,
          trades[step],
          `${step}: first target done and breakeven`,
          isProtected,
          45_000,
        );
        expect(protectedView.stopLoss).toBe(protectedView.breakevenFloor);
        expect(await brokerStops(stage, trades[step].account)).toEqual([Number(protectedView.breakevenFloor)]);
      }
      await runToTheEnd(stage, trades);
      for (const step of steps) await provePerfect(stage, step, trades[step]);
    },
    120_000,
  );
});

function symbolOf(step: Step): string {
  return step === 'while-crossed' ? 'GBPUSD' : 'EURUSD';
}

async function setMarket(stage: Stage): Promise<void> {
  for (const symbol of ['EURUSD', 'GBPUSD']) await quote(stage, symbol, basePoints(symbol));
}

async function openAll(stage: Stage, victim: string): Promise<Trades> {
  const opened = await Promise.all(
    steps.map(async (step) => {
      const how = {
        key: `${step}-${victim}`,
        order: { symbol: symbolOf(step) },
        timing: { commandTimeoutMs: 2_000 + parkedMs + 5_000 },
      };
      return [step, await open(stage, step, how)] as const;
    }),
  );
  const trades = Object.fromEntries(opened) as unknown as Trades;
  for (const step of steps)
    expect(trades[step].answer).toMatchObject({ kind: 'answered', value: { reply: { kind: 'confirmed' } } });
  return trades;
}

/** The price reaches the first target of four trades, and each is stopped at its own step. */
async function parkAll(stage: Stage, trades: Trades): Promise<void> {
  const { simulator } = stage.stack;
  await simulator.addFault({ kind: 'park-request', on: 'GetSnapshot', login: 'before-claim' });
  await simulator.addFault({ kind: 'park-request', on: 'close', login: 'before-execution', times: 1 });
  await simulator.addFault({ kind: 'park-reply', on: 'close', login: 'before-settle', times: 1 });
  await simulator.addFault({ kind: 'park-request', on: 'modify', login: 'before-breakeven', times: 1 });
  await quote(stage, 'EURUSD', basePoints('EURUSD') + 111);

  await untilView(
    stage,
    trades['before-claim'],
    'triggered, not claimed',
    (seen) => targetState(seen, 1) === 'TRIGGERED' && seen.unsettled === null,
  );
  await untilView(stage, trades['before-execution'], 'claimed', isSending('tp:1:1'));
  await untilView(stage, trades['before-settle'], 'claimed', isSending('tp:1:1'));
  await untilView(stage, trades['before-breakeven'], 'breakeven claimed', isSending('breakeven:1'));
  await until(
    stage,
    'four calls parked',
    () => simulator.getState({}),
    ({ requestsParked }) => requestsParked >= 4,
    2_000,
  );
  expect((await simulator.getBook({ login: 'before-settle' })).positions[0]?.lots).toBe('0.3');
  expect((await simulator.getBook({ login: 'before-execution' })).positions[0]?.lots).toBe('0.6');
}

const isSending =
  (stepKey: string) =>
  ({ unsettled: open }: TradeView) =>
    open?.stepKey === stepKey && open.state === 'SENDING';

/** The price crosses the fifth trade's level while the part dies; while nobody is there, where the market outlives it. */
async function killWhileCrossing(stage: Stage, victim: Role): Promise<void> {
  const part = stage.stack.part(victim);
  if (part === null) throw new Error(`the stage runs no ${victim}`);
  const crossing = () => quote(stage, 'GBPUSD', basePoints('GBPUSD') + 111);
  if (victim === 'simulator') await crossing();
  await part.kill9(downMs);
  if (victim !== 'simulator') await crossing();
  await part.up();
}

function isProtected(seen: TradeView): boolean {
  return targetState(seen, 1) === 'DONE' && seen.breakeven.state === 'DONE' && isQuiet(seen);
}

async function runToTheEnd(stage: Stage, trades: Trades): Promise<void> {
  for (const [level, points] of [
    [2, 211],
    [3, 411],
  ] as const) {
    for (const symbol of ['EURUSD', 'GBPUSD']) await quote(stage, symbol, basePoints(symbol) + points);
    for (const step of steps)
      await untilView(
        stage,
        trades[step],
        `${step}: target ${level} done`,
        (seen) => targetState(seen, level) === 'DONE' && isQuiet(seen),
      );
  }
}

async function provePerfect(stage: Stage, step: Step, trade: Opened): Promise<void> {
  expect(await result(stage, trade)).toEqual({ state: 'CLOSED', closeReason: 'TAKE_PROFIT' });
  expect(await unsettled(stage, trade.account)).toEqual([]);
  expect(await duplicateEffects(stage, trade.account)).toEqual([]);
  const { ours, brokers } = await bothBooks(stage, trade.account);
  expect(ours).toEqual(brokers);
  expect(await firesPerLevel(stage, trade.tradeId)).toEqual({ 1: 1, 2: 1, 3: 1 });
  const stops = await stopsSent(stage, trade.tradeId);
  expect(stops).toEqual([...stops].sort((left, right) => left - right));
  expect((await view(stage, trade)).remainingLots).toBe('0');
  expect((await command(stage, trade, 'tp:1:1'))?.state).toBe('CONFIRMED');
}
