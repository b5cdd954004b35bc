import type { Clock } from '../src/clock.ts';
import type { Fact } from '../src/domain/facts.ts';
import type { AccountId } from '../src/domain/ids.ts';
import type { Records, Wake } from '../src/trading/records.ts';

export interface FactPumpDeps {
  readonly records: Pick<Records, 'ingest'>;
  readonly clock: Clock;
  /** Reads the account in full: after a gap, and instead of a backlog that grew too long. */
  readonly resync: (account: AccountId) => Promise<readonly Wake[]>;
  readonly deliver: (wake: Wake) => void;
  readonly failed: (account: AccountId, error: unknown) => void;
}

/** More facts than this waiting for one account are dropped and read again as a whole. */
const backlogMax = 2_000;
const retryMs = 500;

interface Backlog {
  facts: Fact[];
  resync: boolean;
  running: boolean;
}

/** Facts of one session on their way into the book: in order per account, retried until the database takes them. */
export interface FactPump {
  readonly facts: (account: AccountId, facts: readonly Fact[]) => void;
  /** Something may have been missed: the account is read in full. */
  readonly gap: (account: AccountId) => void;
}

/** One bad account never holds up another; `signal` ends the retries. */
export function createFactPump(deps: FactPumpDeps, signal: AbortSignal): FactPump {
  const backlogs = new Map<AccountId, Backlog>();

  const backlogOf = (account: AccountId): Backlog => {
    const known = backlogs.get(account) ?? { facts: [], resync: false, running: false };
    backlogs.set(account, known);
    return known;
  };

  const takeOne = async (account: AccountId, backlog: Backlog): Promise<void> => {
    if (backlog.resync) {
      backlog.resync = false;
      try {
        (await deps.resync(account)).forEach(deps.deliver);
      } catch (error) {
        backlog.resync = true;
        throw error;
      }
      return;
    }
    const batch = backlog.facts;
    backlog.facts = [];
    try {
      (await deps.records.ingest(account, batch, 'stream', null)).forEach(deps.deliver);
    } catch (error) {
      backlog.facts = [...batch, ...backlog.facts];
      throw error;
    }
  };

  const run = async (account: AccountId): Promise<void> => {
    const backlog = backlogOf(account);
    if (backlog.running) return;
    backlog.running = true;
    while (!signal.aborted && (backlog.resync || backlog.facts.length > 0)) {
      try {
        await takeOne(account, backlog);
      } catch (error) {
        // The facts are kept: the database or the broker is away for a moment.
        deps.failed(account, error);
        await deps.clock.sleep(retryMs, signal).catch(() => undefined);
      }
    }
    backlog.running = false;
  };

  return {
    facts: (account, facts) => {
      const backlog = backlogOf(account);
      if (backlog.facts.length + facts.length > backlogMax) {
        backlog.facts = [];
        backlog.resync = true;
      } else backlog.facts.push(...facts);
      void run(account);
    },
    gap: (account) => {
      backlogOf(account).resync = true;
      void run(account);
    },
  };
}
