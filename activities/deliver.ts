import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { Clock } from '../src/clock.ts';
import type { FiredWatch, Records, Wake } from '../src/trading/records.ts';
import { fact, priceTrigger, tradeWorkflowId, type FactSignal } from '../workflows/contract.ts';

/** `gone`: the trade is over, nobody needs to hear of it any more. */
export type Delivery = 'delivered' | 'gone' | 'retry';

export interface DeliveryDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly records: Pick<Records, 'trade'>;
}

/** A delivery that is not acknowledged by then is sent again later under the same id. */
const deadlineMs = 5_000;

/**
 * Brings durable rows to their trades. Ids are deterministic, so that sending again is harmless: a fire is an Update named by
 * its watch and generation, a wake a Signal named by its event.
 */
export function createDelivery({ client, clock, records }: DeliveryDeps) {
  const attempt = async (send: () => Promise<unknown>): Promise<Delivery> => {
    try {
      await client.withDeadline(clock.now() + deadlineMs, send);
      return 'delivered';
    } catch (error) {
      // The row stays undelivered, and whoever holds the session sends it again.
      return error instanceof WorkflowNotFoundError || isNotFound(error) ? 'gone' : 'retry';
    }
  };

  return {
    fire: (fired: FiredWatch): Promise<Delivery> => {
      const handle = client.workflow.getHandle(tradeWorkflowId(fired.accountId, fired.tradeId));
      const { targetLevel: level, generation, price, at, source, late } = fired;
      const updateId = `${fired.watchId}:${generation}`;
      return attempt(() =>
        handle.startUpdate(priceTrigger, {
          updateId,
          args: [{ level, generation, price, at, source, late }],
          waitForStage: 'ACCEPTED',
        }),
      );
    },

    wake: async (wake: Wake): Promise<Delivery> => {
      const view = await records.trade(wake.tradeId);
      if (view === null) return 'gone';
      const signal: FactSignal = { eventId: wake.eventId, view };
      return attempt(() =>
        client.workflowService.signalWorkflowExecution({
          namespace: client.options.namespace,
          workflowExecution: { workflowId: tradeWorkflowId(wake.accountId, wake.tradeId) },
          signalName: fact.name,
          input: { payloads: [defaultPayloadConverter.toPayload(signal)] },
          requestId: `event:${wake.eventId}`,
          identity: 'market',
        }),
      );
    },
  };
}

/** The raw service reports a closed workflow as gRPC NOT_FOUND. */
function isNotFound(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 5;
}
