import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../src/clock.ts';
import { lots } from '../../src/domain/decimal.ts';
import { defaultTiming, story, tradeWorkflowId, type TradeInput } from '../../workflows/contract.ts';
import { proveInOrder, settleAndClose } from '../faults/endings.ts';
import {
  ask,
  basePoints,
  isQuiet,
  ladder,
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
} from '../faults/stage.ts';

const accounts = [
  'full',
  'denied',
  'rejected',
  'same-key',
  'two-bodies',
  'continued',
  'resting',
  'told',
  'cancelled',
  'never',
  'asked-twice',
  'reset',
] as const;

/** What one life with three targets and a breakeven may cost. */
const eventsAtMost = 60;

describe('the trade workflow', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await raiseStage({ accounts });
  }, 60_000);
  afterEach(async () => {
    await stage.stack.simulator.clearFaults({});
  });
  afterAll(async () => {
    await stage?.close();
  }, 30_000);

  const opened = async (name: (typeof accounts)[number], how: Parameters<typeof open>[2] = {}): Promise<Opened> => {
    await quote(stage, 'EURUSD', basePoints('EURUSD'));
    const trade = await open(stage, name, how);
    expect(trade.answer).toMatchObject({ kind: 'answered', value: { reply: { kind: 'confirmed' } } });
    return trade;
  };
  const cross = (points: number) => quote(stage, 'EURUSD', basePoints('EURUSD') + points);
  const done = (trade: Opened, level: number) =>
    untilView(stage, trade, `target ${level} done`, (seen) => targetState(seen, level) === 'DONE' && isQuiet(seen));

  test('lives through three targets and a breakeven in at most sixty events', async () => {
    const trade = await opened('full');
    await cross(111);
    await untilView(stage, trade, 'breakeven done', ({ breakeven }) => breakeven.state === 'DONE');
    await cross(211);
    await done(trade, 2);
    await cross(411);
    expect(await result(stage, trade)).toEqual({ state: 'CLOSED', closeReason: 'TAKE_PROFIT' });
    expect((await handle(stage, trade).fetchHistory()).events?.length).toBeLessThanOrEqual(eventsAtMost);
    await proveInOrder(stage, trade);
  }, 40_000);

  test('ends itself when its opening is denied', async () => {
    await quote(stage, 'EURUSD', basePoints('EURUSD'));
    const trade = await open(stage, 'denied', { order: { volume: lots('0.015') } });
    expect(trade.answer).toMatchObject({
      kind: 'answered',
      value: { reply: { kind: 'denied', denial: { field: 'volume', value: '0.015' } } },
    });
    expect(await result(stage, trade)).toMatchObject({ state: 'NEVER_OPENED' });
    expect(await stage.stack.parts.records.trade(trade.tradeId)).toBeNull();
  }, 40_000);

  test('ends itself when the broker rejects its opening', async () => {
    await quote(stage, 'EURUSD', basePoints('EURUSD'));
    await stage.stack.simulator.addFault({ kind: 'refuse', on: 'market', code: 'not-enough-money', login: 'rejected' });
    const trade = await open(stage, 'rejected');
    expect(trade.answer).toMatchObject({
      kind: 'answered',
      value: { reply: { kind: 'rejected', code: 'not-enough-money' } },
    });
    expect(await result(stage, trade)).toMatchObject({ state: 'REJECTED' });
  }, 40_000);

  test('asked for by one key twenty times at once is one trade with one position', async () => {
    await quote(stage, 'EURUSD', basePoints('EURUSD'));
    const asked = await Promise.all(Array.from({ length: 20 }, () => open(stage, 'same-key')));
    expect(new Set(asked.map(({ tradeId }) => tradeId)).size).toBe(1);
    for (const { answer } of asked)
      expect(answer).toMatchObject({ kind: 'answered', value: { reply: { kind: 'confirmed' } } });
    const { positions, effects } = await stage.stack.simulator.getBook({ login: 'same-key' });
    expect([positions.length, effects.length]).toEqual([1, 1]);
    await settleAndClose(stage, asked[0] as Opened);
  }, 40_000);

  test('refuses another body under the key of a running trade', async () => {
    const trade = await opened('two-bodies');
    const other = await open(stage, 'two-bodies', { order: { volume: lots('0.5') } });
    expect(other).toMatchObject({ tradeId: trade.tradeId, answer: { kind: 'another-body' } });
    expect((await stage.stack.simulator.getBook({ login: 'two-bodies' })).positions).toMatchObject([{ lots: '0.6' }]);
    await settleAndClose(stage, trade);
  }, 40_000);

  test('continued as new in mid-life keeps its ladder, its answers and its breakeven', async () => {
    const trade = await opened('continued', { timing: { continueAfterEvents: 12 } });
    const first = (await handle(stage, trade).describe()).runId;
    const pause = { kind: 'pause', reason: 'lunch' } as const;
    expect(await ask(stage, trade, 'p1', pause)).toMatchObject({ value: { reply: { kind: 'confirmed' } } });
    expect(await ask(stage, trade, 'r1', { kind: 'resume' })).toMatchObject({
      value: { reply: { kind: 'confirmed' } },
    });
    await cross(111);
    await untilView(stage, trade, 'breakeven done', ({ breakeven }) => breakeven.state === 'DONE');
    await until(
      stage,
      'a later run',
      () => handle(stage, trade).describe(),
      ({ runId }) => runId !== first,
    );
    expect(await ask(stage, trade, 'p1', pause)).toMatchObject({
      kind: 'answered',
      value: { reply: { kind: 'confirmed' } },
    });
    expect((await view(stage, trade)).automation).toBe('RUNNING');
    await cross(211);
    await done(trade, 2);
    await cross(411);
    expect(await result(stage, trade)).toEqual({ state: 'CLOSED', closeReason: 'TAKE_PROFIT' });
    await proveInOrder(stage, trade);
  }, 40_000);

  test('gives a repeated wish its first answer and does it once', async () => {
    const trade = await opened('asked-twice');
    const part = { kind: 'close-part', size: { lots: lots('0.1') } } as const;
    const answers = await Promise.all([ask(stage, trade, 'part', part), ask(stage, trade, 'part', part)]);
    for (const answer of answers)
      expect(answer).toMatchObject({ kind: 'answered', value: { reply: { kind: 'confirmed' } } });
    expect((await view(stage, trade)).remainingLots).toBe('0.5');
    await settleAndClose(stage, trade);
  }, 40_000);

  test('writes no event while its trade rests', async () => {
    const trade = await opened('resting');
    await untilView(stage, trade, 'at rest', isQuiet);
    const length = async () => (await handle(stage, trade).describe()).historyLength;
    const before = await until(stage, 'the last task of the opening', length, steady());
    await cross(20);
    await systemClock.sleep(5_000);
    expect(await length()).toBe(before);
    await settleAndClose(stage, trade);
  }, 40_000);

  test('shows a trader what it is, where it stands and what it waits for', async () => {
    const trade = await opened('told');
    const described = await until(
      stage,
      'TradeState OPEN',
      () => handle(stage, trade).describe(),
      ({ searchAttributes }) => searchAttributes['TradeState']?.[0] === 'OPEN',
    );
    expect(described.searchAttributes).toMatchObject({
      AccountId: [trade.account.id],
      Platform: ['sim'],
      Symbol: ['EURUSD'],
      Side: ['BUY'],
      TradeState: ['OPEN'],
      Attention: ['NONE'],
    });
    expect(await described.staticSummary()).toContain('BUY 0.6 EURUSD');
    const details = await currentDetails(stage, trade);
    expect(details).toContain('**OPEN**');
    expect(details).toContain('0.6 of 0.6 lots at 1.085');
    expect(details).toContain('**TP1** 1.086 → close 50 %: ARMED');
    expect(details).toContain('**waits for** target 1 at 1.086');
    expect(await handle(stage, trade).query(story)).toMatchObject({ lane: null, lookUp: null });
    await settleAndClose(stage, trade);
  }, 40_000);

  test('that is cancelled gets out of its position', async () => {
    const trade = await opened('cancelled');
    await handle(stage, trade).cancel();
    expect(await result(stage, trade)).toEqual({ state: 'CLOSED', closeReason: 'EMERGENCY' });
    await proveInOrder(stage, trade);
  }, 40_000);

  test('that is reset to its beginning meets its own commands: nothing is sent twice, and it goes on', async () => {
    const trade = await opened('reset');
    await cross(111);
    await untilView(stage, trade, 'breakeven done', (seen) => seen.breakeven.state === 'DONE' && isQuiet(seen));
    const { effects } = await stage.stack.simulator.getBook({ login: 'reset' });
    await resetToBeginning(stage, trade);
    await until(
      stage,
      'told anew',
      () => handle(stage, trade).query(story),
      ({ view: told, lane }) => told?.breakeven.state === 'DONE' && lane === null,
    );
    expect((await stage.stack.simulator.getBook({ login: 'reset' })).effects).toEqual(effects);
    await cross(211);
    await done(trade, 2);
    await cross(411);
    expect(await result(stage, trade)).toEqual({ state: 'CLOSED', closeReason: 'TAKE_PROFIT' });
    await proveInOrder(stage, trade);
  }, 40_000);

  test('whose opening never comes ends itself', async () => {
    const account = stage.account('never');
    const tradeId = 'b1c7a5c2-6f1f-5f55-8a6a-000000000001' as Opened['tradeId'];
    const input: TradeInput = {
      accountId: account.id,
      tradeId,
      timing: { ...defaultTiming, openWithinMs: 300 },
      desk: null,
    };
    await stage.stack.parts.client.workflow.start('trade', {
      workflowId: tradeWorkflowId(account.id, tradeId),
      taskQueue: 'engine',
      args: [input],
    });
    expect(await result(stage, { tradeId, account })).toEqual({ state: 'NEVER_OPENED', closeReason: null });
  }, 40_000);

  test('of a person who closes part of the ladder first still closes the rest at its targets', async () => {
    const trade = await opened('asked-twice', { key: 'part-first', order: { targets: ladder.targets } });
    await ask(stage, trade, 'half', { kind: 'close-part', size: { percentOfRemaining: '50' } });
    await cross(111);
    const seen = await done(trade, 1);
    expect([seen.closedLots, seen.state]).toEqual(['0.6', 'CLOSED']);
    expect(await result(stage, trade)).toMatchObject({ state: 'CLOSED' });
    await proveInOrder(stage, trade);
  }, 40_000);
});

const handle = ({ stack }: Stage, { tradeId, account }: Pick<Opened, 'tradeId' | 'account'>) =>
  stack.parts.client.workflow.getHandle(tradeWorkflowId(account.id, tradeId));

async function resetToBeginning(stage: Stage, trade: Opened): Promise<void> {
  const { client } = stage.stack.parts;
  const { workflowId, runId } = await handle(stage, trade).describe();
  const { events } = await handle(stage, trade).fetchHistory();
  const firstTask = events?.find(
    ({ workflowTaskCompletedEventAttributes }) => workflowTaskCompletedEventAttributes != null,
  );
  await client.workflowService.resetWorkflowExecution({
    namespace: client.options.namespace,
    workflowExecution: { workflowId, runId },
    reason: 'test',
    requestId: 'reset',
    workflowTaskFinishEventId: firstTask?.eventId ?? null,
  });
}

/** Fits once the same number was seen over and over. */
function steady(): (seen: number) => boolean {
  let last = -1;
  let times = 0;
  return (seen) => {
    times = seen === last ? times + 1 : 0;
    last = seen;
    return times >= 20;
  };
}

/** The page's own way to the details: the metadata query that every workflow answers. */
async function currentDetails(stage: Stage, trade: Opened): Promise<string> {
  const metadata = await handle(stage, trade).query<{ currentDetails?: string }>('__temporal_workflow_metadata');
  return metadata.currentDetails ?? '';
}
