import type { MessageInitShape } from '@bufbuild/protobuf';

import type { SendReplySchema, SendRequest } from '../../../proto/belay/simulator/v1/simulator_pb.js';
import type { Account } from '../exchange/book.ts';
import { refuse, type Answer, type Command, type Refusal, type Sender } from '../exchange/inputs.ts';
import type { Faults } from '../faults.ts';
import { changesOf, type Feed } from '../feed.ts';
import type { Venue } from '../venue.ts';
import { wireAnswer } from './wire.ts';

type Reply = MessageInitShape<typeof SendReplySchema>;

export interface Dealing {
  readonly venue: Venue;
  readonly faults: Faults;
  readonly feed: Feed;
  /** The promise D: what was written longer ago than this is not carried out any more. */
  readonly maxExecutionDelayMs: number;
}

/** Carries a robot's request out, unless it is too old by now or a fault says otherwise. */
export function sendByRobot(dealing: Dealing, account: Account, request: SendRequest, command: Command): Reply {
  const { venue, faults } = dealing;
  const occasion = { name: command.kind, login: account.login };
  const refusal = tooOld(dealing, request) ?? refusedByFault(faults, account, request, command);
  if (refusal !== null) return wireAnswer(venue.exchange, account, refusal, noChanges);
  const tag = request.tag === 0 ? null : request.tag;
  const sender: Sender = {
    login: account.login,
    tag,
    shownTag: faults.strike('drop-tag', occasion) === null ? tag : null,
    comment: faults.strike('rewrite-comment', occasion) === null ? request.comment : '[by broker]',
    commandId: request.commandId,
    reason: 'EXPERT',
  };
  const reply = carryOut(dealing, account, sender, command);
  if (reply.code === 'done' && faults.strike('execute-twice', occasion) !== null) {
    venue.submit({ kind: 'send', sender, command });
  }
  return reply;
}

/** The person at the terminal: no tag, no faults, no deadline. */
export function sendByTrader(dealing: Dealing, account: Account, comment: string, command: Command): Reply {
  const sender = { login: account.login, tag: null, shownTag: null, comment, commandId: '', reason: 'CLIENT' } as const;
  return carryOut(dealing, account, sender, command);
}

const noChanges = { orders: [], deals: [], positions: [] };

function carryOut({ venue, feed }: Dealing, account: Account, sender: Sender, command: Command): Reply {
  const { events, answer } = venue.submit({ kind: 'send', sender, command });
  const changes = changesOf(account.login, events);
  const shown = { ...changes, deals: changes.deals.filter((deal) => feed.isVisible(deal)) };
  return wireAnswer(venue.exchange, account, answer ?? unanswered, shown);
}

const unanswered: Answer = refuse('other', 'the exchange gave no answer');

/** Looked at when the request would be carried out, so that a delayed one cannot take effect after the client gave it up. */
function tooOld({ venue, maxExecutionDelayMs }: Dealing, request: SendRequest): Refusal | null {
  const age = venue.now() - request.writtenAt;
  if (age <= maxExecutionDelayMs) return null;
  return refuse('request-too-old', `written ${age} ms ago, limit ${maxExecutionDelayMs} ms`, 0);
}

function refusedByFault(faults: Faults, account: Account, request: SendRequest, command: Command): Refusal | null {
  const occasion = { name: command.kind, login: account.login };
  if (account.carriedOut.has(request.commandId) && faults.strike('refuse-repeats', occasion) !== null) {
    return refuse('repeated-command', `command ${request.commandId} was carried out before`);
  }
  const fault = faults.strike('refuse', occasion);
  return fault === null ? null : refuse(fault.code, 'refused by a fault', fault.ms > 0 ? fault.ms : null);
}
