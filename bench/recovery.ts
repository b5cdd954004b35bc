import type { Role } from '../workers/stack.ts';
import { figure, median, type Figure } from './figure.ts';
import { bidAt, ENTRY_BID, onStand, type Stand } from './stand.ts';

const ENGINE_KILLS = 3;
const MARKET_KILLS = 2;

/** From a kill -9 to the next close, of a level that is crossed while nobody is there. The supervisor starts the process again at once. */
export function recovery(): AsyncGenerator<Figure> {
  return onStand(measured);
}

async function* measured(stand: Stand): AsyncGenerator<Figure> {
  await stand.quote(ENTRY_BID);
  for (let nth = 0; nth < ENGINE_KILLS + MARKET_KILLS; nth += 1) await stand.open(`trade ${nth}`, [10 + nth]);
  yield* killed(stand, 'engine', { first: 0, kills: ENGINE_KILLS, goalSeconds: 2 });
  yield* killed(stand, 'market', { first: ENGINE_KILLS, kills: MARKET_KILLS, goalSeconds: 10 });
}

interface Kills {
  readonly first: number;
  readonly kills: number;
  readonly goalSeconds: number;
}

async function* killed(stand: Stand, role: Role, { first, kills, goalSeconds }: Kills): AsyncGenerator<Figure> {
  const seconds: number[] = [];
  for (let nth = first; nth < first + kills; nth += 1) seconds.push(await killedOnce(stand, role, bidAt(10 + nth)));
  const value = median(seconds);
  const against = `goal: ${goalSeconds} s; worst ${Math.max(...seconds).toPrecision(4)} s`;
  yield figure({
    name: `${role} killed to next close, process restart included`,
    value,
    unit: 's',
    against,
    ratio: value / goalSeconds,
    rounds: kills,
  });
}

const SETTLE_MS = 1_500;

async function killedOnce({ stack, broker, quote, parts: { clock } }: Stand, role: Role, bid: number): Promise<number> {
  await clock.sleep(SETTLE_MS);
  const closed = broker.next('deal');
  const killedAt = process.hrtime.bigint();
  await stack.part(role)?.kill9();
  await quote(bid);
  return Number((await within(closed, clock.sleep(30_000))) - killedAt) / 1e9;
}

async function within(closed: Promise<bigint>, tooLate: Promise<void>): Promise<bigint> {
  const at = await Promise.race([closed, tooLate]);
  if (at === undefined) throw new Error('no close came within 30 s of a kill');
  return at;
}
