import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { Clock } from '../src/clock.ts';
import type { AccountId } from '../src/domain/ids.ts';
import { startPriceWatcher, type PriceWatcher } from '../src/market/price-watcher.ts';
import type { WatcherLog } from '../src/market/watcher-log.ts';
import type { BrokerSession, Connector, SessionSink } from '../src/trading/connector.ts';
import type { Records, Wake } from '../src/trading/records.ts';
import type { AccountAccess, TradingService } from '../src/trading/trading-service.ts';
import { tellSubscriptions, type SubscriptionChange } from './price-subscriptions.ts';
import { createFactPump, type FactPump } from './fact-pump.ts';
import type { createDelivery } from './deliver.ts';

export interface SessionActivityDeps {
  readonly records: Records;
  readonly trading: TradingService;
  readonly access: AccountAccess;
  readonly delivery: ReturnType<typeof createDelivery>;
  readonly clock: Clock;
  readonly log: WatcherLog;
  /** One structured event whenever a symbol is subscribed or released. */
  readonly subscriptionChanged: (change: SubscriptionChange) => void;
  /** Who holds the session, for people: host and process. */
  readonly holder: string;
}

/** Half the heartbeat time-out, so that one lost beat is no loss of the session. */
const heartbeatMs = 2_000;
/** Undelivered rows are sent again, and new accounts of the session noticed, this often. */
const sweepMs = 1_000;
/** Even a healthy stream is checked against a full read now and then. */
const resyncMs = 60_000;

/** The activity that is a session's live link. */
export function sessionActivities(deps: SessionActivityDeps) {
  return {
    /**
     * Streams quotes and facts of all accounts behind one endpoint until it is cancelled, fenced by a successor, or the set of
     * accounts changes; then it fails on purpose, and the retry begins with what is true now.
     */
    holdSession: async ({ key }: { readonly key: string }): Promise<void> => {
      const { connector, session } = await sessionOf(deps, key);
      const { cancellationSignal, heartbeat } = Context.current();
      const ending = new AbortController();
      const signal = AbortSignal.any([cancellationSignal, ending.signal]);
      const watcher = await startPriceWatcher(watcherOptions(deps, connector, session));
      const pump = createFactPump(pumpDeps(deps), signal);
      const stops = [
        tellSubscriptions(watcher.demand, session, deps.subscriptionChanged),
        deps.clock.every(heartbeatMs, () => heartbeat()),
        deps.clock.every(
          sweepMs,
          oneAtATime(() => sweep(deps, session, ending)),
        ),
        deps.clock.every(resyncMs, () => session.accounts.forEach(({ id }) => pump.gap(id))),
      ];
      try {
        const link = connector.hold(session, sinkOf(watcher, pump, session), watcher.demand, signal);
        const reason = await Promise.race([link.then(() => 'link ended'), watcher.stopped]);
        if (!cancellationSignal.aborted)
          throw ApplicationFailure.create({
            message: `session ${key}: ${reason}`,
            type: 'SessionEnded',
            category: 'BENIGN',
          });
      } finally {
        stops.forEach((stop) => stop());
        ending.abort();
        await watcher.stop();
      }
    },
  };
}

/** A turn that is due while the last one still runs is left out. */
function oneAtATime(work: () => Promise<void>): () => void {
  let running = false;
  return () => {
    if (running) return;
    running = true;
    void work().finally(() => {
      running = false;
    });
  };
}

async function sessionOf(
  deps: SessionActivityDeps,
  key: string,
): Promise<{ readonly connector: Connector; readonly session: BrokerSession }> {
  const accounts = (await deps.records.accounts()).filter(({ status }) => status === 'ACTIVE');
  const members = accounts.flatMap((record) => {
    const connector = deps.access.connectorFor(record.platform);
    const account = deps.access.reach(record);
    return connector?.sessionKey(account) === key ? [{ connector, account }] : [];
  });
  const first = members[0];
  if (first === undefined)
    throw ApplicationFailure.create({
      message: `session ${key} has no active account`,
      type: 'NoAccounts',
      category: 'BENIGN',
    });
  return { connector: first.connector, session: { key, accounts: members.map(({ account }) => account) } };
}

function watcherOptions(deps: SessionActivityDeps, connector: Connector, session: BrokerSession) {
  const [reader] = session.accounts;
  if (reader === undefined) throw ApplicationFailure.nonRetryable('a session without accounts', 'InvariantViolated');
  return {
    sessionKey: session.key,
    holder: deps.holder,
    accounts: session.accounts.map(({ id }) => id),
    records: deps.records,
    deliver: deps.delivery.fire,
    missedTicks: (symbol: string, after: Parameters<Connector['ticks']>[2]) => connector.ticks(reader, symbol, after),
    clock: deps.clock,
    log: deps.log,
  };
}

function pumpDeps(deps: SessionActivityDeps) {
  return {
    records: deps.records,
    clock: deps.clock,
    resync: deps.trading.synchronizeAccount,
    deliver: (wake: Wake) => void deliverWake(deps, wake),
    failed: (account: AccountId, error: unknown) =>
      deps.log.warn({ account, error }, 'facts wait: the book or the broker is away'),
  };
}

async function deliverWake({ delivery, records, log }: SessionActivityDeps, wake: Wake): Promise<void> {
  try {
    if ((await delivery.wake(wake)) !== 'retry') await records.wakeDelivered([wake.eventId]);
  } catch (error) {
    // The row stays undelivered; the next sweep sends it again under the same id.
    log.warn({ wake, error }, 'a trade could not be woken yet');
  }
}

async function sweep(deps: SessionActivityDeps, session: BrokerSession, ending: AbortController): Promise<void> {
  try {
    const { session: now } = await sessionOf(deps, session.key);
    if (now.accounts.length !== session.accounts.length) return ending.abort();
    for (const wake of await deps.records.undeliveredWakes(session.accounts.map(({ id }) => id)))
      await deliverWake(deps, wake);
  } catch (error) {
    // The book is away for a moment: what is undelivered stays so and is swept again.
    deps.log.warn({ error }, 'a sweep of the session failed');
  }
}

function sinkOf(watcher: PriceWatcher, pump: FactPump, session: BrokerSession): SessionSink {
  return {
    ...watcher.sink,
    facts: pump.facts,
    connected: () => {
      watcher.sink.connected();
      session.accounts.forEach(({ id }) => pump.gap(id));
    },
  };
}
