import type { TradePreview } from '../src/domain/trade/preview.ts';
import type { TradeRequest } from '../src/domain/trade/request.ts';
import { UnknownAccount, type TradingService } from '../src/trading/trading-service.ts';
import type { AccountCheck, StandaloneActivities } from '../workflows/contract.ts';

export interface ReadActivityDeps {
  readonly trading: Pick<TradingService, 'verifyAccount' | 'previewTrade'>;
}

/** Looks at a broker for a person; nothing is sent. A broker that is away is asked again until the caller's patience ends. */
export function readActivities({ trading }: ReadActivityDeps): StandaloneActivities {
  return {
    verifyAccount: async ({ accountId, by }): Promise<AccountCheck> => {
      try {
        const { currency, marginMode } = await trading.verifyAccount(accountId, by);
        return { kind: 'verified', currency, marginMode };
      } catch (error) {
        // What the broker or our rules refuse is the answer; anything else is tried again.
        if (error instanceof UnknownAccount) return { kind: 'refused', because: error.message };
        throw error;
      }
    },

    previewTrade: async (request: TradeRequest): Promise<TradePreview> => trading.previewTrade(request),
  };
}
