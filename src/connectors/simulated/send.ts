import type { AccountId, CommandId } from '../../domain/ids.ts';
import type { CommandOutcome } from '../../domain/outcome.ts';
import type { Clock } from '../../clock.ts';
import {
  SendWindowClosed,
  type Accepted,
  type Bounds,
  type BrokerAccount,
  type OutgoingCommand,
  type SendGate,
} from '../../trading/connector.ts';
import { outcomeOfFailure, outcomeOfReply } from './classify.ts';
import type { BrokerChannel } from './client.ts';
import type { LinkLog } from './live-link.ts';
import { sendRequest, unsendable } from './request.ts';

/** An answer that came after the sender had reported `unknown`: evidence, never a second outcome. */
export interface LateReply {
  readonly account: AccountId;
  readonly commandId: CommandId;
  readonly outcome: CommandOutcome<Accepted>;
}

export interface SendDeps {
  readonly clock: Clock;
  readonly log: LinkLog;
  readonly onLateReply: (late: LateReply) => void;
}

export interface OneSend {
  readonly channel: BrokerChannel;
  readonly account: BrokerAccount;
  readonly bounds: Bounds;
  readonly command: OutgoingCommand;
  readonly gate: SendGate;
}

/**
 * Writes one command at most once.
 *
 * The connection stands before the gate is asked; between the gate's yes and the hand-over of the bytes nothing else runs.
 * The call stays open for the broker's execution delay although the sender stops waiting earlier.
 */
export async function sendOnce(deps: SendDeps, send: OneSend): Promise<CommandOutcome<Accepted>> {
  const { channel, account, bounds, command, gate } = send;
  const refusal = unsendable(command);
  if (refusal !== null) return refusal;
  if (!(await channel.ready(bounds.sendWithinMs))) {
    return { kind: 'unavailable', because: `no connection to ${channel.endpoint} within ${bounds.sendWithinMs} ms` };
  }

  const closed = windowClosed(gate);
  if (closed !== null) return { kind: 'unavailable', because: closed };
  const request = sendRequest(account, command, deps.clock.now());
  const answer = channel
    .ask('send', request, Math.max(bounds.replyWaitMs, bounds.executionDelayMs))
    .then(outcomeOfReply)
    .catch(outcomeOfFailure);

  const first = await within(deps.clock, answer, bounds.replyWaitMs);
  if (first !== null) return first;
  deliverLate(deps, send, answer);
  return { kind: 'unknown', because: `no reply from ${channel.endpoint} within ${bounds.replyWaitMs} ms` };
}

function windowClosed(gate: SendGate): string | null {
  try {
    gate();
    return null;
  } catch (error) {
    // The gate says no by throwing; anything else is a bug and goes on up.
    if (error instanceof SendWindowClosed) return error.message;
    throw error;
  }
}

/** The value, or `null` when it did not come in time. */
async function within<Value>(clock: Clock, value: Promise<Value>, ms: number): Promise<Value | null> {
  const wait = new AbortController();
  const silence = clock.sleep(ms, wait.signal).then(
    () => null,
    () => null,
  );
  try {
    return await Promise.race([value, silence]);
  } finally {
    wait.abort();
  }
}

function deliverLate(deps: SendDeps, send: OneSend, answer: Promise<CommandOutcome<Accepted>>): void {
  const { account, command } = send;
  answer
    .then((outcome) => {
      if (outcome.kind !== 'unknown') deps.onLateReply({ account: account.id, commandId: command.commandId, outcome });
    })
    .catch((error: unknown) => {
      // Nobody waits for this promise any more; the look-up finds what the hook could not take.
      deps.log.error({ error, commandId: command.commandId }, 'a late reply could not be delivered');
    });
}
