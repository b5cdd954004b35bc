import { randomUUID } from 'node:crypto';
import type { TradePlan } from '../domain/trade/preview.ts';
import type { TradeRequest } from '../domain/trade/request.ts';
import { tradeIdOf } from '../identity.ts';
import type { OpenOrder } from '../steering/trades.ts';
import type { Belay } from './connection.ts';
import { belay as belayCommand, deniedBy } from './failure.ts';
import type { JsonOption, WaitOptions } from './options.ts';
import { table } from './table.ts';
import { printJson, type Terminal } from './terminal.ts';

/** Says what a request would come to now; nothing is recorded or sent. */
export async function printPreview(
  terminal: Terminal,
  belay: Belay,
  order: OpenOrder,
  { json, timeout }: JsonOption & WaitOptions,
): Promise<void> {
  const request: TradeRequest = { ...order, tradeId: tradeIdOf(order.accountId, randomUUID()), requestHash: 'dry-run' };
  const { lookOnce } = await import('./look.ts');
  const preview = await lookOnce(belay, 'previewTrade', request, timeout);
  if (preview.kind === 'denied') throw deniedBy(preview.denial, `${belayCommand} open --help`);
  if (json === true)
    printJson(terminal, {
      result: 'DRY_RUN',
      plan: { symbol: order.symbol, side: order.side, volume: order.volume, ...preview },
    });
  else terminal.out(planText(order, preview));
}

function planText({ symbol, side, volume }: OpenOrder, plan: TradePlan): string {
  const { entry, bid, ask, stopLoss, takeProfit, risk, currency, targets, limits } = plan;
  const rows = targets.map(({ level, price, lots, profit }) => [level, price, lots, profit]);
  return [
    `${symbol} ${side} ${volume} lots, entry about ${entry} (bid ${bid}, ask ${ask}); nothing was sent`,
    `  stop ${stopLoss}, risk ${risk} ${currency}${takeProfit === null ? '' : `, take profit ${takeProfit}`}`,
    `  the broker allows ${limits.volumeMin} to ${limits.volumeMax} lots in steps of ${limits.volumeStep}, levels ${limits.stopsLevelPoints} points from the price`,
    ...(rows.length === 0
      ? []
      : [
          table(
            [
              ['TARGET', 'right'],
              ['PRICE', 'right'],
              ['LOTS', 'right'],
              [`PROFIT ${currency}`, 'right'],
            ],
            rows,
          ),
        ]),
  ].join('\n');
}
