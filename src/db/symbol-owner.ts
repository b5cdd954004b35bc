import type { Denial } from '../domain/outcome.ts';
import type { CommandPlan } from '../domain/trade/intent.ts';
import type { AccountRecord } from '../trading/records.ts';
import { isOpening, type Book } from './book.ts';
import type { Statement, Transaction } from './transaction.ts';

const otherTrade: Statement = {
  name: 'symbol-owner',
  text: `select id from trade where account_id = $1::bigint and symbol = $2 and id <> $3 and state in ('OPENING','WORKING','OPEN','CLOSING','NEEDS_REVIEW') limit 1`,
};

/** On a netting account a symbol has one position, so one live trade owns it. `null` when it is free. */
export async function symbolDenial(
  tx: Transaction,
  plan: CommandPlan,
  { account, book }: { readonly account: AccountRecord; readonly book: Book },
): Promise<Denial | null> {
  if (account.marginMode !== 'NETTING' || !isOpening(plan.intent.kind)) return null;
  const { symbol } = book.trade;
  const [owner] = await tx.rows<{ readonly id: string }>(otherTrade, [plan.accountId, symbol, plan.tradeId]);
  if (owner === undefined) return null;
  return {
    code: 'symbol-owned',
    field: 'symbol',
    value: symbol,
    rule: `on a netting account trade ${owner.id} owns ${symbol}`,
    fix: 'close it first, or use a hedging account',
  };
}
