import type { Reply } from '../domain/trade/desk.ts';
import { unreachable } from '../domain/outcome.ts';
import type { CommandRow } from '../trading/records.ts';

/** What a command came to, told from its row long after the answer. */
export function replyOfRow({ state, outcome }: Pick<CommandRow, 'state' | 'outcome'>): Reply {
  const code = textOf(outcome?.['code']) ?? state.toLowerCase();
  const text = textOf(outcome?.['text']) ?? code;
  switch (state) {
    case 'CONFIRMED':
    case 'ACCEPTED':
      return { kind: 'confirmed' };
    case 'REJECTED':
      return { kind: 'rejected', code, text };
    case 'NOT_EXECUTED':
    case 'PLANNED':
      return { kind: 'not-executed', code, text };
    case 'SENDING':
    case 'UNKNOWN':
    case 'REVIEW':
      return { kind: 'review', because: text };
    default:
      return unreachable(state);
  }
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : null);
