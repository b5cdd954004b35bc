import type { QuoteDemand } from '../trading/connector.ts';

/** Symbols somebody needs, counted by holder: a symbol leaves with the last of them. */
export interface CountedDemand extends QuoteDemand {
  /** Wants the symbol until the returned function is called; calling it twice is calling it once. */
  want(symbol: string): () => void;
}

export function createDemand(): CountedDemand {
  const holders = new Map<string, number>();
  const listeners = new Set<() => void>();
  const tell = () => listeners.forEach((listener) => listener());

  function change(symbol: string, by: 1 | -1): void {
    const count = (holders.get(symbol) ?? 0) + by;
    if (count === 0) holders.delete(symbol);
    else holders.set(symbol, count);
    const firstCame = count === 1 && by === 1;
    if (firstCame || count === 0) tell();
  }

  return {
    symbols: () => [...holders.keys()],
    onChange: (changed) => {
      listeners.add(changed);
      return () => listeners.delete(changed);
    },
    want: (symbol) => {
      let held = true;
      change(symbol, 1);
      return () => {
        if (held) change(symbol, -1);
        held = false;
      };
    },
  };
}
