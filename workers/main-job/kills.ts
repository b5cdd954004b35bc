import { feedProgress } from '../../src/db/audit.ts';
import type { Quote } from '../../src/domain/facts.ts';
import type { AccountId, TradeId } from '../../src/domain/ids.ts';
import { seededRandom } from '../../src/simulator/random.ts';
import type { AccountRecord } from '../../src/trading/records.ts';
import { story, tradeWorkflowId } from '../../workflows/contract.ts';
import type { Role, Stack } from '../stack.ts';
import { until, watcherCaughtUp } from './rest.ts';

/** One kill -9 of a replay. */
export interface PlannedKill {
  readonly atQuote: number;
  readonly victim: Role;
  /** How many quotes the market goes on for before it is held; a dead simulator holds it by itself. */
  readonly runOn: number;
  /** How long the part stays away before it is started again. */
  readonly downMs: number;
}

const victims: readonly Role[] = ['engine', 'market', 'simulator', 'postgres', 'temporal'];
const downMaxMs = 1_500;
const runOnMax = 400;

/** The same count, file length and seed give the same kills: every part in turn, spread over the whole file. */
export function seededKills(count: number, quotes: number, seed: string): readonly PlannedKill[] {
  const random = seededRandom(`kills ${seed} ${quotes}`);
  const offset = Math.floor(random() * victims.length);
  return Array.from({ length: count }, (_, index) => ({
    atQuote: Math.max(1, Math.floor(((index + 0.2 + random() * 0.6) / count) * quotes * 0.96)),
    victim: victims[(index + offset) % victims.length] as Role,
    runOn: 1 + Math.floor(random() * Math.min(runOnMax, quotes / (count * 4))),
    downMs: Math.floor(random() * downMaxMs),
  }));
}

/** A trade whose workflow can be asked. */
export interface LivingTrade {
  readonly accountId: AccountId;
  readonly tradeId: TradeId;
}

export interface KillDeps {
  readonly stack: Stack;
  readonly account: AccountRecord;
  readonly symbol: string;
  /** A trade that still lives, to ask an engine about; `null` when there is none. */
  readonly livingTrade: () => Promise<LivingTrade | null>;
  readonly signal: AbortSignal;
}

const servesWithinMs = 60_000;

/**
 * Kills a part, lets the market run on, holds it until the part serves and its work is made up for, and releases it.
 * Answers how long the market was held.
 *
 * @throws NeverCame when the part does not come back
 */
export async function killAndRecover(
  { stack, account, symbol, livingTrade, signal }: KillDeps,
  kill: PlannedKill,
): Promise<number> {
  const { parts, simulator } = stack;
  const part = stack.part(kill.victim);
  if (part === null) throw new Error(`${kill.victim} does not run under us and cannot be killed`);
  const { epoch } = await feedProgress(parts.records.pool, symbol);
  if (kill.victim !== 'simulator') await simulator.holdMarket({ afterQuotes: kill.runOn });
  await part.kill9(kill.downMs);
  const wait = (what: string) => ({ what: `${what} after a kill of ${kill.victim}`, withinMs: servesWithinMs, signal });
  const held = await until(parts, wait('the market to stand'), async () => {
    const state = await simulator.getState({});
    return state.held || state.ended ? parts.clock.monotonic() : null;
  });
  await part.up();
  await until(parts, wait('a caught-up price watcher'), async () => {
    const last = await lastQuote(stack, account, symbol);
    // What the dead holder noted last says nothing about its successor.
    if (kill.victim === 'market' && (await feedProgress(parts.records.pool, symbol)).epoch === epoch) return null;
    return (await watcherCaughtUp(parts, last)) ? true : null;
  });
  const asked = await livingTrade();
  if (asked !== null) await until(parts, wait('an answering engine'), () => answers(stack, asked));
  await simulator.releaseMarket({});
  return parts.clock.monotonic() - held;
}

/** Read from the broker, which says where its market stands. */
async function lastQuote({ parts }: Stack, account: AccountRecord, symbol: string): Promise<Quote> {
  const connector = parts.access.connectorFor(account.platform);
  if (connector === null) throw new Error(`no connector serves ${account.platform}`);
  return connector.quote(parts.access.reach(account), symbol);
}

const queryWithinMs = 5_000;

/** A query runs in an engine: an answer proves that one polls and has the trade's history. */
async function answers({ parts }: Stack, { accountId, tradeId }: LivingTrade): Promise<true> {
  const handle = parts.client.workflow.getHandle(tradeWorkflowId(accountId, tradeId));
  await parts.client.withDeadline(parts.clock.now() + queryWithinMs, () => handle.query(story));
  return true;
}
