/** What a main job came to; its JSON is the last line people and scripts read. */
export interface Summary {
  readonly ok: boolean;
  readonly trades: number;
  /** Crossings with a trigger row. */
  readonly targetsFired: number;
  readonly dealsEngine: number;
  readonly dealsBroker: number;
  /** Effects at the broker beyond one per command. */
  readonly duplicates: number;
  /** Commands unsettled at the end. */
  readonly unknown: number;
  readonly booksEqual: boolean;
  readonly kills: number;
  readonly seconds: number;
  /** How long a replay's market was held until a killed part served again. */
  readonly heldSeconds?: number;
  /** Trades of a replay's plan that our own rules or the broker refused to open. */
  readonly refused?: number;
  /** Only when it is not `ok`: one line each, the first hundred. */
  readonly problems?: readonly string[];
}

const problemsShown = 100;

/** `ok` is that nothing is wrong, and nothing else. The words and their order are what scripts read. */
export function summarize(facts: Omit<Summary, 'ok' | 'problems'>, problems: readonly string[]): Summary {
  const ok = problems.length === 0;
  const { trades, targetsFired, dealsEngine, dealsBroker, duplicates, unknown, booksEqual, kills, seconds, ...rest } =
    facts;
  const fixed = { ok, trades, targetsFired, dealsEngine, dealsBroker, duplicates, unknown, booksEqual, kills, seconds };
  if (ok) return { ...fixed, ...rest };
  return { ...fixed, ...rest, problems: problems.slice(0, problemsShown) };
}

/** Whole tenths, as people read them. */
export const secondsSince = (beganMs: number, nowMs: number): number => Math.round((nowMs - beganMs) / 100) / 10;
