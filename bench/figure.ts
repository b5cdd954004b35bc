/** One measured value beside what it is compared with in the same run. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What it is compared with, and that one's value. */
  readonly against: string;
  /** `value` divided by the compared value, or by the goal where `against` is one. */
  readonly ratio: number;
  readonly rounds: number;
}

/** The middle value; the upper one of two. */
export function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Slope of log cost over log size: 0 when cost does not grow, 1 when it grows as fast as size. */
export function exponent(points: readonly { readonly size: number; readonly cost: number }[]): number {
  const logs = points.map(({ size, cost }) => ({ x: Math.log(size), y: Math.log(cost) }));
  const mean = (pick: (log: { x: number; y: number }) => number) =>
    logs.reduce((sum, log) => sum + pick(log), 0) / logs.length;
  const x = mean((log) => log.x);
  const y = mean((log) => log.y);
  const covariance = mean((log) => (log.x - x) * (log.y - y));
  return covariance / mean((log) => (log.x - x) ** 2);
}

/** Nanoseconds per call of `work`, which is told how many to make. */
export function nanosecondsEach(count: number, work: (count: number) => void): number {
  const start = process.hrtime.bigint();
  work(count);
  return Number(process.hrtime.bigint() - start) / count;
}

/** Four significant digits: more would be noise. */
export function figure(fields: Figure): Figure {
  const short = (value: number) => Number(value.toPrecision(4));
  return { ...fields, value: short(fields.value), ratio: short(fields.ratio) };
}
