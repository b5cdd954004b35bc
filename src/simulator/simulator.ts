import type { Clock } from '../clock.ts';
import { brokerService, controlService } from '../../proto/belay/simulator/v1/service.ts';
import { addAccount } from './accounts.ts';
import { controlHandlers } from './control.ts';
import type { CallCounts } from './doors/calls.ts';
import { known } from './doors/reads.ts';
import { serve, type Serving } from './doors/serving.ts';
import { simHandlers } from './doors/sim.ts';
import { openStreams } from './doors/stream.ts';
import { armFaults } from './faults.ts';
import { openFeed } from './feed.ts';
import { noJournal, openJournal } from './journal.ts';
import { generatedMarket } from './market/generator.ts';
import { startMarket, type Market } from './market/market.ts';
import { quoteFile } from './market/quote-file.ts';
import { manualMarket, type QuoteSource } from './market/quote-source.ts';
import type { SimulatorOptions } from './options.ts';
import { openVenue, type Venue } from './venue.ts';

/** A whole broker: its book, market and doors. */
export interface Simulator {
  readonly venue: Venue;
  readonly market: Market;
  readonly port: number;
  readonly controlPort: number;
  close(): Promise<void>;
}

/**
 * Starts a broker from its journal, or anew.
 *
 * @throws Error when a port is taken, the journal is unusable or a line of the quote file is bad
 */
export async function startSimulator(options: SimulatorOptions, clock: Clock): Promise<Simulator> {
  const source = await sourceOf(options);
  const { state } = options;
  const venue = openVenue(clock, (replay) => (state === null ? noJournal : openJournal(state, clock, replay)));
  try {
    if (venue.exchange.accounts.size === 0) for (const account of options.accounts) addAccount(venue, account);
    return await openDoors(options, clock, venue, source);
  } catch (error) {
    // A broker that does not come up must not keep its directory.
    venue.close();
    throw error;
  }
}

async function sourceOf({ quotes, symbol, market, seed }: SimulatorOptions): Promise<QuoteSource> {
  if (quotes === null) return market === 'manual' ? manualMarket : generatedMarket(seed);
  const file = await quoteFile(quotes, known(symbol));
  // Every line is read once before the market opens: a bad one is refused here and not after half a day of trading.
  for await (const _ of file.quotes(0)) continue;
  return file;
}

async function openDoors(
  options: SimulatorOptions,
  clock: Clock,
  venue: Venue,
  source: QuoteSource,
): Promise<Simulator> {
  const stopped = new AbortController();
  const faults = armFaults(options.seed, clock);
  const feed = openFeed(venue, faults, stopped.signal);
  const counts: CallCounts = new Map();
  const doors: Serving[] = [];
  const hangUp = () => doors[0]?.hangUp();
  const running: { market: Market | null } = { market: null };
  const streams = openStreams({
    venue,
    clock,
    listen: (listener) => feed.listen(listener),
    isHeld: () => running.market?.held ?? options.held,
  });
  const { speed, held, maxExecutionDelayMs, stateLagMs, historyLagMs } = options;
  const desk = { venue, faults, feed, counts, hangUp, maxExecutionDelayMs };
  const handlers = simHandlers({ ...desk, streams, stateLagMs, historyLagMs, speed: () => speed });
  const closeDoors = () => Promise.all(doors.map((door) => door.close()));
  try {
    doors.push(await serve(options.port, brokerService, { ...handlers }));
    const market = startMarket(venue, clock, { source, speed, held, drained: () => streams.drained() });
    running.market = market;
    doors.push(await serve(options.controlPort, controlService, { ...controlHandlers({ ...desk, market }) }));
  } catch (error) {
    // Half a broker is none: the door that did open is shut again.
    await running.market?.stop();
    await closeDoors();
    throw error;
  }
  return {
    venue,
    market: running.market,
    port: doors[0]?.port ?? 0,
    controlPort: doors[1]?.port ?? 0,
    close: async () => {
      stopped.abort();
      await running.market?.stop();
      await closeDoors();
      venue.close();
    },
  };
}
