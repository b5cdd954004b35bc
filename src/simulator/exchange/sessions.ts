const MINUTE = 60_000;
const DAY = 1440;
const WEEK = 7 * DAY;

/** 1970-01-04 was a Sunday: weeks are counted from there, in UTC minutes. */
const FIRST_SUNDAY = 3 * DAY;

/** Open intervals of one week, `[from, to)` in minutes after Sunday 00:00 UTC, ascending and apart. */
export type WeeklySession = readonly { readonly from: number; readonly to: number }[];

interface TradingWeek {
  readonly opens: { readonly day: number; readonly hour: number };
  readonly closes: { readonly day: number; readonly hour: number };
  /** A break on each day in between, whole hours UTC. */
  readonly pause?: { readonly fromHour: number; readonly toHour: number };
}

/** A trading week with one opening, one closing and perhaps a daily break. */
export function weekdays({ opens, closes, pause }: TradingWeek): WeeklySession {
  const start = opens.day * DAY + opens.hour * 60;
  const end = closes.day * DAY + closes.hour * 60;
  if (pause === undefined) return [{ from: start, to: end }];
  const parts: { from: number; to: number }[] = [];
  let from = start;
  for (let day = opens.day + 1; day < closes.day; day += 1) {
    parts.push({ from, to: day * DAY + pause.fromHour * 60 });
    from = day * DAY + pause.toHour * 60;
  }
  return [...parts, { from, to: end }];
}

/** Whether the session is open at `sourceTime`; a market without a time of its own (`null`) never closes. */
export function isOpen(session: WeeklySession, sourceTime: number | null): boolean {
  if (sourceTime === null) return true;
  const minute = minuteOfWeek(sourceTime);
  return session.some(({ from, to }) => minute >= from && minute < to);
}

/** Source time at which the session next opens or closes, `null` when it never does. */
export function nextChange(session: WeeklySession, sourceTime: number | null): number | null {
  if (sourceTime === null) return null;
  const minute = minuteOfWeek(sourceTime);
  const edges = session.flatMap(({ from, to }) => [from, to]);
  const next = edges.find((edge) => edge > minute) ?? (edges[0] ?? 0) + WEEK;
  return sourceTime + (next - minute) * MINUTE;
}

/**
 * Nights to charge between two source times: one for each rollover at 21:00 UTC from Monday to Friday, three on the
 * triple weekday, none at the weekend. Zero when time went back.
 */
export function nightsBetween(earlier: number, later: number, tripleWeekday: number): number {
  let nights = 0;
  for (let day = rolloverDay(earlier) + 1; day <= rolloverDay(later); day += 1) {
    const weekday = (day + 4) % 7;
    if (weekday === 0 || weekday === 6) continue;
    nights += weekday === tripleWeekday ? 3 : 1;
  }
  return nights;
}

/** Number of the last day (since 1970) whose 21:00 rollover has passed. */
function rolloverDay(time: number): number {
  return Math.floor((time / MINUTE - 21 * 60) / DAY);
}

function minuteOfWeek(time: number): number {
  return (((time / MINUTE - FIRST_SUNDAY) % WEEK) + WEEK) % WEEK;
}
