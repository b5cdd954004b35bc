import { ApplicationFailure } from '@temporalio/common';
import type { AccountId, TradeId } from '../src/domain/ids.ts';
import type { TradeChange } from '../src/domain/trade/change.ts';
import type { TradeView } from '../src/domain/trade/view.ts';
import type { Records } from '../src/trading/records.ts';
import type { TradingService } from '../src/trading/trading-service.ts';
import type { CommandVerdict } from '../workflows/contract.ts';
import { invariantsNotRetried } from './failure.ts';

export interface RecordActivityDeps {
  readonly records: Pick<Records, 'changeTrade' | 'decideCommand' | 'trade'>;
  readonly trading: Pick<TradingService, 'fetchTradeSyncData'>;
  /** Removes rows that are old enough; answers how many. */
  readonly sweepBook: () => Promise<{ readonly events: number; readonly watches: number }>;
}

/** Steps of the book that send nothing; each is idempotent. */
export function recordActivities(deps: RecordActivityDeps) {
  return {
    changeTrade: async (input: {
      readonly tradeId: TradeId;
      readonly change: TradeChange;
      readonly actor: string;
    }): Promise<TradeView> =>
      invariantsNotRetried(() => deps.records.changeTrade(input.tradeId, input.change, input.actor)),

    sweepBook: deps.sweepBook,

    decideCommandRecord: async ({ commandId, by, verdict, evidence }: CommandVerdict): Promise<TradeView> =>
      invariantsNotRetried(() => deps.records.decideCommand(commandId, { by, verdict, evidence })),

    /** Answers when the broker's records of this trade are final; until then each attempt reads once more. */
    syncTrade: async ({
      tradeId,
      accountId,
    }: {
      readonly tradeId: TradeId;
      readonly accountId: AccountId;
    }): Promise<TradeView> => {
      const view = await deps.trading.fetchTradeSyncData(tradeId, accountId);
      if (!view.settling) return view;
      throw ApplicationFailure.create({
        message: `deals of trade ${tradeId} are not final yet`,
        type: 'Settling',
        category: 'BENIGN',
      });
    },
  };
}
