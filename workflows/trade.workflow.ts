import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { decide } from '../src/domain/trade/decide.ts';
import { attentionOf, describeTrade, type Attention } from '../src/domain/trade/describe.ts';
import { newDesk, type Desk, type Reply, type TradeEvent, type Wish } from '../src/domain/trade/desk.ts';
import { hasPosition, isOver } from '../src/domain/trade/state.ts';
import type { TradeState, TradeView } from '../src/domain/trade/view.ts';
import { carryOut } from './carry-out.ts';
import {
  decideCommand,
  fact,
  open,
  priceTrigger,
  searchAttributes,
  story,
  wishUpdates,
  type OpenAnswer,
  type TradeInput,
  type WishAnswer,
} from './contract.ts';
import { decideCommandRecord } from './proxies.ts';

/** How a trade ended. */
export interface TradeResult {
  readonly state: TradeState | 'NEVER_OPENED';
  readonly closeReason: string | null;
}

/**
 * One trade from the wish to open it to its last deal.
 *
 * Handlers only enqueue; one loop takes an event, asks `decide`, carries out the effects and publishes the state.
 */
export async function trade(input: TradeInput): Promise<TradeResult> {
  let desk: Desk | null = input.desk;
  const inbox: TradeEvent[] = desk === null ? [] : [{ kind: 'begin' }];
  // A wish that an earlier run answered gets the same answer when it is asked again in this one.
  const replies = new Map<string, Reply>(Object.entries(desk?.replies ?? {}));
  let finished = false;
  const hear = (event: TradeEvent) => void inbox.push(event);

  setHandler(story, () => desk as Desk, { description: 'All that this trade remembers' });
  setHandler(fact, ({ view }) => hear({ kind: 'facts', view }), { description: 'The broker reported something' });
  setHandler(
    priceTrigger,
    (trigger) => {
      hear({ kind: 'crossed', trigger });
      return 'queued';
    },
    { description: 'A watched level was crossed' },
  );
  setHandler(
    open,
    async (request): Promise<OpenAnswer> => {
      if (desk === null) {
        desk = newDesk(request);
        hear({ kind: 'begin' });
      }
      await condition(() => openReply(desk) !== null);
      return {
        requestHash: (desk as Desk).request.requestHash,
        reply: openReply(desk) as Reply,
        view: (desk as Desk).view,
      };
    },
    { description: 'Open the trade and answer when its outcome is known' },
  );
  const askFor = async (wish: Wish): Promise<WishAnswer> => {
    hear({ kind: 'asked', wish });
    await condition(() => replies.has(wish.requestId));
    return { wish, reply: replies.get(wish.requestId) as Reply, view: (desk as Desk).view as TradeView };
  };
  for (const update of Object.values(wishUpdates))
    setHandler(update, askFor, { description: 'Answered when it is settled' });
  setHandler(
    decideCommand,
    async (verdict) => {
      const view = await decideCommandRecord.executeWithOptions(
        { summary: `${verdict.by} decides: ${verdict.verdict}` },
        [verdict],
      );
      hear({ kind: 'facts', view });
      return view;
    },
    { description: 'A person says what became of a command that evidence could not decide' },
  );
  CancellationScope.current().cancelRequested.catch(() => hear({ kind: 'asked', wish: closeOnCancel }));

  return await CancellationScope.nonCancellable(async () => {
    if (desk === null && !(await condition(() => desk !== null, input.timing.openWithinMs))) return neverOpened;
    const published = { state: '', attention: 'NONE' as Attention };
    while (!finished) {
      await condition(() => inbox.length > 0 || mayContinueAsNew(desk as Desk, input));
      for (let event = inbox.shift(); event !== undefined; event = inbox.shift()) {
        const decision = decide(desk as Desk, event, Date.now());
        desk = decision.desk;
        for (const effect of decision.effects) {
          if (effect.kind === 'answer') replies.set(effect.requestId, effect.reply);
          else if (effect.kind === 'finish') finished = true;
          else void carryOut(effect, desk, input.timing).then(hear);
        }
      }
      publish(desk as Desk, published);
      if (!finished && mayContinueAsNew(desk as Desk, input) && inbox.length === 0) await nextRun(input, desk as Desk);
    }
    await condition(allHandlersFinished);
    const { view } = desk as Desk;
    return { state: view?.state ?? 'NEVER_OPENED', closeReason: view?.closeReason ?? null };
  });
}

const neverOpened: TradeResult = { state: 'NEVER_OPENED', closeReason: null };

/** Cancelling the workflow means getting out, not leaving the position alone. */
const closeOnCancel: Wish = {
  requestId: 'cancelled',
  by: 'operator',
  kind: 'close',
  emergency: true,
  reason: { reason: 'EMERGENCY', subreason: 'OPERATOR', text: 'The workflow was cancelled' },
};

function openReply(desk: Desk | null): Reply | null {
  if (desk === null) return null;
  if (desk.openRefused !== null) return desk.openRefused;
  const state = desk.view?.state;
  if (state === undefined) return null;
  if (state === 'NEEDS_REVIEW' || desk.view?.unsettled?.state === 'REVIEW')
    return { kind: 'review', because: 'the outcome needs a person' };
  return state === 'WORKING' || hasPosition(state) || isOver(state) ? { kind: 'confirmed' } : null;
}

/** At rest, with nothing under way that a new run would not know of. */
function mayContinueAsNew(desk: Desk, input: TradeInput): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  if (!continueAsNewSuggested && historyLength < input.timing.continueAfterEvents) return false;
  return desk.lane === null && desk.emergency === null && !desk.syncing && allHandlersFinished();
}

async function nextRun(input: TradeInput, desk: Desk): Promise<void> {
  await continueAsNew<typeof trade>({ ...input, desk: { ...desk, wakeAt: null } });
}

function publish(desk: Desk, published: { state: string; attention: Attention }): void {
  setCurrentDetails(describeTrade(desk));
  const state = desk.view?.state ?? 'PENDING';
  const attention = attentionOf(desk);
  // Starts of an opening are over in milliseconds: not worth an event of their own.
  if (state === 'PENDING' || state === 'OPENING' || state === 'CLOSING') return;
  const changes = [
    ...(state === published.state ? [] : [{ key: searchAttributes.tradeState, value: state }]),
    ...(attention === published.attention ? [] : [{ key: searchAttributes.attention, value: attention }]),
  ];
  if (changes.length > 0) upsertSearchAttributes(changes);
  published.state = state;
  published.attention = attention;
}
