import type { TradeId } from '../src/domain/ids.ts';
import type { TargetView } from '../src/domain/trade/view.ts';
import { startBare, type BarePath } from './bare.ts';
import { figure, median, type Figure } from './figure.ts';
import { startProbes, type Probes } from './probes.ts';
import { bidAt, ENTRY_BID, onStand, type Stand } from './stand.ts';

const TRADES = 30;
const LEVELS = 3;
const WARM_UP = 15;
const PAUSE_MS = 10;
/** Fire, plan, claim: what must be durable before the command may leave. */
const COMMITS = 3;

/** From the tick that crosses a level to the close command at the broker, beside what no durable design can avoid. Closed loop: one fire at a time. */
export function paths(): AsyncGenerator<Figure> {
  return onStand(measured);
}

interface Round {
  /** Tick to wire, milliseconds. */
  readonly ours: number;
  readonly bare: number;
  readonly commits: readonly number[];
  readonly read: number;
}

async function* measured(stand: Stand): AsyncGenerator<Figure> {
  await stand.quote(ENTRY_BID);
  const fires = TRADES * LEVELS;
  const trades: TradeId[] = [];
  for (let nth = 0; nth < TRADES; nth += 1) trades.push(await stand.open(`trade ${nth}`, levelsOf(nth)));
  const bare = await startBare(stand.parts, fires);
  const probes = await startProbes(stand);
  try {
    const rounds: Round[] = [];
    for (let nth = 0; nth < fires; nth += 1) rounds.push(await round({ stand, bare, probes }, trades, nth));
    yield* figures(rounds.slice(WARM_UP));
  } finally {
    await bare.stop();
    await probes.stop();
  }
}

/** All levels are different, so that each quote crosses one. */
function levelsOf(trade: number): readonly number[] {
  return Array.from({ length: LEVELS }, (_, level) => 10 + level * TRADES + trade);
}

interface Bench {
  readonly stand: Stand;
  readonly bare: BarePath;
  readonly probes: Probes;
}

/** The order turns round each time, so that none is always first. */
async function round({ stand, bare, probes }: Bench, trades: readonly TradeId[], nth: number): Promise<Round> {
  const oursFirst = nth % 2 === 0;
  const first = oursFirst ? await tickToWire(stand, trades, nth) : await bare.fire();
  await stand.parts.clock.sleep(PAUSE_MS);
  const second = oursFirst ? await bare.fire() : await tickToWire(stand, trades, nth);
  await stand.parts.clock.sleep(PAUSE_MS);
  const commits: number[] = [];
  while (commits.length < COMMITS) commits.push(await probes.commit());
  return {
    ours: oursFirst ? first : second,
    bare: oursFirst ? second : first,
    commits,
    read: await probes.brokerRead(),
  };
}

async function tickToWire(
  { broker, quote, until, parts }: Stand,
  trades: readonly TradeId[],
  nth: number,
): Promise<number> {
  const trade = trades[nth % TRADES];
  const level = Math.floor(nth / TRADES) + 1;
  if (trade === undefined) throw new Error(`there is no trade for fire ${nth}`);
  const stamps = Promise.all([broker.next('quote'), broker.next('deal')]);
  await quote(bidAt(10 + nth));
  const done = ({ level: one, state }: TargetView) => one === level && state === 'DONE';
  await until(trade, ({ targets, settling }) => !settling && targets.some(done));
  await parts.clock.sleep(PAUSE_MS);
  const [tick, wire] = await stamps;
  return Number(wire - tick) / 1e6;
}

function* figures(rounds: readonly Round[]): Generator<Figure> {
  const ours = median(rounds.map((round) => round.ours));
  const least = median(rounds.map(leastOf));
  const parts = partsOf(rounds);
  yield figure({
    name: 'tick to close command, p50, closed loop',
    value: ours,
    unit: 'ms',
    against: `bare path, ${COMMITS} commits, 1 broker read: ${least.toPrecision(4)} ms; goal 1.25`,
    ratio: ours / least,
    rounds: rounds.length,
  });
  const slow = quantile(
    rounds.map((round) => round.ours),
    0.9,
  );
  const slowLeast = quantile(rounds.map(leastOf), 0.9);
  yield figure({
    name: 'tick to close command, p90, closed loop',
    value: slow,
    unit: 'ms',
    against: `the same sum at p90: ${slowLeast.toPrecision(4)} ms`,
    ratio: slow / slowLeast,
    rounds: rounds.length,
  });
  for (const [name, value] of parts)
    yield figure({ name, value, unit: 'ms', against: 'share of the sum', ratio: value / least, rounds: rounds.length });
}

function leastOf({ bare, commits, read }: Round): number {
  return bare + read + commits.reduce((sum, commit) => sum + commit, 0);
}

function partsOf(rounds: readonly Round[]): readonly (readonly [string, number])[] {
  return [
    ['probe: bare update and eager activity', median(rounds.map(({ bare }) => bare))],
    ['probe: one commit', median(rounds.flatMap(({ commits }) => commits))],
    ['probe: one broker read', median(rounds.map(({ read }) => read))],
  ];
}

function quantile(values: readonly number[], part: number): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length * part)] ?? Number.NaN;
}
