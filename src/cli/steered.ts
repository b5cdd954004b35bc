import type { FoundTrade } from '../db/find.ts';
import type { TradeView } from '../domain/trade/view.ts';
import type { JsonOption } from './options.ts';
import { printJson, type Terminal } from './terminal.ts';
import { tradeJson, tradeText } from './trade-view.ts';

/** A trade after what was asked of it. */
export interface Steered {
  readonly trade: FoundTrade;
  readonly view: TradeView;
  readonly key: string;
}

/** The answer of every command that changed one trade. */
export function printSteered(terminal: Terminal, { trade, view, key }: Steered, { json }: JsonOption): void {
  if (json === true)
    return printJson(terminal, { result: 'CONFIRMED', idempotencyKey: key, trade: tradeJson(trade, view) });
  terminal.talk(`✔ confirmed, idempotency key ${key}`);
  terminal.out(tradeText(terminal, trade, view));
}
