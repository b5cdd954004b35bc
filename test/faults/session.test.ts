import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../src/clock.ts';
import { proveInOrder, settleAndClose } from './endings.ts';
import { firesPerLevel } from './proofs.ts';
import {
  basePoints,
  open,
  quote,
  raiseStage,
  targetState,
  until,
  untilView,
  type Opened,
  type Stage,
} from './stage.ts';

const takeOverMs = 10_000;
/** A process that stands still may be handed the session once more before the other gets it. */
const frozenTakeOverMs = 15_000;

describe('a session between two market processes', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await raiseStage({ accounts: ['killed', 'frozen'], markets: 2 });
  }, 60_000);
  afterAll(async () => {
    await stage?.close();
  }, 30_000);

  const opened = async (name: string): Promise<Opened> => {
    await quote(stage, 'EURUSD', basePoints('EURUSD'));
    const trade = await open(stage, name);
    expect(trade.answer).toMatchObject({ kind: 'answered', value: { reply: { kind: 'confirmed' } } });
    return trade;
  };
  const cross = (points: number) => quote(stage, 'EURUSD', basePoints('EURUSD') + points);

  test('is live again within ten seconds when its holder is killed, and fires once what was crossed meanwhile', async () => {
    const trade = await opened('killed');
    const before = await holder(stage);
    const part = marketOf(stage, before.pid);
    await part.kill9(20_000);
    const killedAt = systemClock.monotonic();
    await cross(111);
    await untilView(stage, trade, 'first target done', (seen) => targetState(seen, 1) === 'DONE', takeOverMs);
    expect(systemClock.monotonic() - killedAt).toBeLessThan(takeOverMs);
    const after = await holder(stage);
    expect(after.pid).not.toBe(before.pid);
    expect(after.epoch).toBeGreaterThan(before.epoch);
    expect(await firesPerLevel(stage, trade.tradeId)).toMatchObject({ 1: 1 });
    await settleAndClose(stage, trade);
    await part.up();
  }, 60_000);

  test('whose holder stands still is taken over, and fires each level once when that one goes on', async () => {
    const trade = await opened('frozen');
    const before = await holder(stage);
    process.kill(before.pid, 'SIGSTOP');
    try {
      await cross(111);
      await untilView(
        stage,
        trade,
        'first target done by the other',
        (seen) => targetState(seen, 1) === 'DONE',
        frozenTakeOverMs,
      );
      expect((await holder(stage)).pid).not.toBe(before.pid);
    } finally {
      process.kill(before.pid, 'SIGCONT');
    }
    await cross(211);
    await untilView(stage, trade, 'second target done', (seen) => targetState(seen, 2) === 'DONE', takeOverMs);
    await cross(411);
    await untilView(stage, trade, 'closed', ({ state }) => state === 'CLOSED', takeOverMs);
    expect(await firesPerLevel(stage, trade.tradeId)).toEqual({ 1: 1, 2: 1, 3: 1 });
    // A try that lay in the frozen process takes the session for a moment, is told that it is over, and leaves.
    await until(stage, 'one link, and one holder that stays', () => linkOf(stage), stays());
    await proveInOrder(stage, trade);
  }, 60_000);
});

interface Holder {
  readonly pid: number;
  readonly epoch: number;
}

/** The market process that the book knows as the session's holder. */
async function holder({ stack }: Stage): Promise<Holder> {
  const { rows } = await stack.parts.records.pool.query<{ holder: string; epoch: number }>(
    'select holder, epoch::int as epoch from feed_session',
  );
  return { pid: Number(rows[0]?.holder.split('/').at(-1)), epoch: rows[0]?.epoch ?? 0 };
}

function marketOf({ stack }: Stage, pid: number) {
  // The second market process has a name of its own beside the roles.
  const parts = (['market', 'market-2'] as const).map((role) => stack.part(role as 'market'));
  const found = parts.find((part) => part?.pid() === pid);
  if (found === undefined || found === null) throw new Error(`process ${pid} is no market process of the stage`);
  return found;
}

/** The links that the session's workflow has under way, and who holds it by the book. */
async function linkOf(stage: Stage): Promise<string> {
  const { client } = stage.stack.parts;
  const pending: number[] = [];
  for await (const { workflowId } of client.workflow.list({
    query: `WorkflowType = 'session' and ExecutionStatus = 'Running'`,
  })) {
    const { raw } = await client.workflow.getHandle(workflowId).describe();
    pending.push(raw.pendingActivities?.length ?? 0);
  }
  return `${pending.join()} links, ${JSON.stringify(await holder(stage))}`;
}

/** Fits once the same single link was seen for two heartbeats. */
function stays(): (link: string) => boolean {
  let last = '';
  let since = 0;
  return (link) => {
    if (link !== last) since = systemClock.monotonic();
    last = link;
    return link.startsWith('1 links') && systemClock.monotonic() - since > 4_000;
  };
}
