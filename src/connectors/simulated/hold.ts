import type { BrokerAccount } from '../../trading/connector.ts';
import { CallFailed } from './client.ts';
import { refusingStatuses } from './classify.ts';
import { runLink, type LinkDeps, type LinkEnd } from './live-link.ts';
import { READ_WITHIN_MS } from './reads.ts';
import { accountRequest } from './request.ts';

const PAUSE_MIN_MS = 100;
const PAUSE_MAX_MS = 3000;

/** A connection that lived this long was a good one: the next pause is short again. */
const GOOD_AFTER_MS = 5000;

/** The broker refuses every account of the session: no retry can mend that. */
export class SessionRefused extends Error {
  override readonly name = 'SessionRefused';
}

/**
 * Keeps one live link until `signal` aborts, with pauses of 0.1 s growing to 3 s between connections.
 *
 * An account that the broker refuses is left out, with a warning, so that it does not take the others down.
 *
 * @throws SessionRefused
 */
export async function holdLink(deps: LinkDeps, signal: AbortSignal): Promise<void> {
  let accounts = deps.accounts;
  let pauseMs = PAUSE_MIN_MS;
  while (!signal.aborted) {
    const end = await runLink({ ...deps, accounts }, signal);
    if (end.why === 'aborted') return;
    if (end.livedMs !== null) deps.sink.disconnected(end.reason);
    if (end.why === 'silent') deps.channel.renew();
    if (end.why === 'refused') accounts = await admitted({ ...deps, accounts }, end);

    if (end.livedMs !== null && end.livedMs >= GOOD_AFTER_MS) pauseMs = PAUSE_MIN_MS;
    await pause(deps, pauseMs, signal);
    pauseMs = Math.min(pauseMs * 2, PAUSE_MAX_MS);
  }
}

async function pause({ clock }: LinkDeps, ms: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(ms, signal);
  } catch (error) {
    // An aborted pause is how the holder is told to stop.
    if (!signal.aborted) throw error;
  }
}

/** The accounts that the broker does not refuse by themselves. */
async function admitted(deps: LinkDeps, end: LinkEnd): Promise<readonly BrokerAccount[]> {
  const refused = new Set<BrokerAccount>();
  for (const account of deps.accounts) {
    if (await isRefused(deps, account)) refused.add(account);
  }
  const left = deps.accounts.filter((account) => !refused.has(account));
  if (left.length === 0) throw new SessionRefused(`${deps.channel.endpoint}: ${end.reason}`);
  for (const account of refused) {
    deps.log.warn({ accountId: account.id, reason: end.reason }, 'the broker refuses this account: held without it');
  }
  return left;
}

async function isRefused({ channel }: LinkDeps, account: BrokerAccount): Promise<boolean> {
  try {
    await channel.ask('verify', accountRequest(account), READ_WITHIN_MS);
    return false;
  } catch (error) {
    // Only a refusal is an answer here; a failed call leaves the account in, for the next connection to tell.
    return error instanceof CallFailed && refusingStatuses[error.code] !== undefined;
  }
}
