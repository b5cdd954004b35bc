import { lots } from '../src/domain/decimal.ts';
import { createSteering } from '../src/steering/trades.ts';
import { startStack, type Stack } from '../workers/stack.ts';
import { figure, median, type Figure } from './figure.ts';
import { benchConfig, benchHome } from './stand.ts';

const ROUNDS = 2;
const GOAL_SECONDS = 5;

/** From nothing running, in a home that was used before, to the first fill the book shows. */
export async function* start(): AsyncGenerator<Figure> {
  const home = await benchHome();
  try {
    await startToFill(home.path, 0);
    const seconds: number[] = [];
    for (let round = 1; round <= ROUNDS; round += 1) seconds.push(await startToFill(home.path, round));
    const value = median(seconds);
    yield figure({
      name: 'warm start to first fill',
      value,
      unit: 's',
      against: `goal: ${GOAL_SECONDS} s ("a few")`,
      ratio: value / GOAL_SECONDS,
      rounds: ROUNDS,
    });
  } finally {
    await home.remove();
  }
}

async function startToFill(home: string, round: number): Promise<number> {
  const startedAt = process.hrtime.bigint();
  const stack = await startStack({
    config: benchConfig(home),
    simulator: ['--market', 'manual'],
    say: () => undefined,
  });
  try {
    await fill(stack, round);
    return Number(process.hrtime.bigint() - startedAt) / 1e9;
  } finally {
    await stack.stop();
  }
}

async function fill({ simulator, parts }: Stack, round: number): Promise<void> {
  await simulator.pushQuote({ symbol: 'EURUSD', bid: '1.08490', ask: '1.08500' });
  const account = (await parts.records.accounts()).find(({ name }) => name === 'SIM-HEDGE');
  if (account === undefined) throw new Error('the simulated account is missing');
  const order = {
    accountId: account.id,
    symbol: 'EURUSD',
    side: 'BUY' as const,
    volume: lots('0.1'),
    entry: { type: 'MARKET' as const },
    stopLoss: { pips: '50' },
    takeProfit: null,
    targets: [{ at: { pips: '50' }, size: { rest: true as const }, late: 'act-if-beyond' as const }],
    breakeven: null,
    requestedBy: 'bench',
  };
  const { answer } = await createSteering(parts).openTrade(order, {
    idempotencyKey: `start ${round}`,
    platform: 'sim',
    waitMs: 20_000,
  });
  if (answer.kind !== 'answered' || answer.value.reply.kind !== 'confirmed')
    throw new Error(`the first trade came to ${JSON.stringify(answer)}`);
}
