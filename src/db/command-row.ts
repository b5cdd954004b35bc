import type { CommandId } from '../domain/ids.ts';
import { InvariantViolated } from '../domain/outcome.ts';
import type { CommandRow } from '../trading/records.ts';
import type { Statement, Transaction } from './transaction.ts';

const ms = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`;

const columns = `id as "commandId", trade_id as "tradeId", account_id::text as "accountId", step_key as "stepKey", plan, state, attempt,
  case when claimed_at is not null then wire_tag end as tag, wire, before_snapshot as before, ${ms('claimed_at')} as "claimedAt",
  ${ms('send_by')} as "sendBy", ${ms('retry_not_before')} as "retryNotBefore", ${ms('clock_timestamp()')} as "asOf", outcome`;

export const commandStatement: Statement = {
  name: 'command',
  text: `select ${columns} from broker_command where id = $1`,
};

export const unsettledStatement: Statement = {
  name: 'commands-unsettled',
  text: `select ${columns} from broker_command where state in ('SENDING','ACCEPTED','UNKNOWN','REVIEW')
    and ($1::bigint is null or account_id = $1::bigint) order by created_at, id`,
};

export type CommandRowColumns = CommandRow & Record<string, unknown>;

/** @throws InvariantViolated when there is no such command */
export async function commandIn(tx: Transaction, id: CommandId): Promise<CommandRow> {
  const [row] = await tx.rows<CommandRowColumns>(commandStatement, [id]);
  if (row === undefined) throw new InvariantViolated(`command "${id}" is not in the book`);
  return row;
}
