import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { LatePolicy } from '../../src/domain/trade/request.ts';
import { proveInOrder, settleAndClose } from './endings.ts';
import { firesPerLevel } from './proofs.ts';
import {
  ask,
  basePoints,
  isQuiet,
  ladder,
  open,
  quote,
  raiseStage,
  targetState,
  until,
  untilView,
  view,
  type Opened,
  type Stage,
} from './stage.ts';

const policies = ['act-if-beyond', 'act', 'skip', 'ask'] as const satisfies readonly LatePolicy[];
type Trades = Readonly<Record<LatePolicy, Opened>>;

describe('a level that is crossed while nobody watches', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await raiseStage({ accounts: policies });
  }, 60_000);
  afterAll(async () => {
    await stage?.close();
  }, 30_000);

  const openAll = async (key: string): Promise<Trades> => {
    await quote(stage, 'EURUSD', basePoints('EURUSD'));
    const trades = await Promise.all(
      policies.map(async (late) => {
        const targets = ladder.targets.map((target) => ({ ...target, late }));
        return [late, await open(stage, late, { key: `${late}-${key}`, order: { targets } })] as const;
      }),
    );
    return Object.fromEntries(trades) as unknown as Trades;
  };
  const cross = (points: number) => quote(stage, 'EURUSD', basePoints('EURUSD') + points);
  const whileDead = async (crossing: () => Promise<void>) => {
    const market = stage.stack.part('market');
    await market?.kill9(500);
    await crossing();
    await market?.up();
  };
  const fired = (trade: Opened) =>
    until(
      stage,
      'the crossing is on record',
      () => firesPerLevel(stage, trade.tradeId),
      (fires) => fires[1] === 1,
      30_000,
    );
  const seen = (trade: Opened, state: string) =>
    untilView(stage, trade, `target 1 ${state}`, (now) => targetState(now, 1) === state && isQuiet(now), 30_000);

  test('and the price is back: each target does as its policy says, and no crossing is lost', async () => {
    const trades = await openAll('back');
    await whileDead(async () => {
      await cross(111);
      await cross(50);
    });
    for (const late of policies) await fired(trades[late]);

    const rearmed = await seen(trades['act-if-beyond'], 'ARMED');
    expect(rearmed.targets[0]).toMatchObject({ generation: 2 });
    expect((await seen(trades.act, 'DONE')).closedLots).toBe('0.3');
    expect((await seen(trades.skip, 'SKIPPED')).closedLots).toBe('0');
    expect((await seen(trades.ask, 'TRIGGERED')).closedLots).toBe('0');
    expect(await ask(stage, trades.ask, 'yes', { kind: 'decide-target', level: 1, verdict: 'act' })).toMatchObject({
      kind: 'answered',
      value: { reply: { kind: 'confirmed' } },
    });
    expect((await seen(trades.ask, 'DONE')).closedLots).toBe('0.3');

    await cross(112);
    expect((await seen(trades['act-if-beyond'], 'DONE')).closedLots).toBe('0.3');
    expect(await firesPerLevel(stage, trades['act-if-beyond'].tradeId)).toMatchObject({ 1: 2 });
    for (const late of policies) await settleAndClose(stage, trades[late]);
  }, 90_000);

  test('and the price is still there: targets that may act on late crossings act, once', async () => {
    const trades = await openAll('there');
    await whileDead(() => cross(111));
    for (const late of ['act-if-beyond', 'act'] as const) {
      expect((await seen(trades[late], 'DONE')).closedLots).toBe('0.3');
      expect(await firesPerLevel(stage, trades[late].tradeId)).toMatchObject({ 1: 1 });
    }
    expect((await view(stage, trades.skip)).closedLots).toBe('0');
    for (const late of policies) await settleAndClose(stage, trades[late]);
  }, 90_000);

  test('and so is the next one: both fire in the order of the quotes', async () => {
    const trades = await openAll('two');
    const trade = trades.act;
    await whileDead(async () => {
      await cross(111);
      await cross(211);
      await cross(30);
    });
    await untilView(stage, trade, 'both done', (now) => targetState(now, 2) === 'DONE' && isQuiet(now), 30_000);
    expect(targetState(await view(stage, trade), 1)).toBe('DONE');
    expect((await view(stage, trade)).closedLots).toBe('0.48');
    expect(await firesPerLevel(stage, trade.tradeId)).toEqual({ 1: 1, 2: 1, 3: 0 });
    for (const late of policies) await settleAndClose(stage, trades[late]);
    await proveInOrder(stage, trade);
  }, 90_000);
});
