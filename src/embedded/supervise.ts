import type { Ending, GuardedChild } from './guard.ts';

/** What happened to a part that runs under us. `ms` is how long it took to become ready. */
export type PartEvent =
  | { readonly kind: 'started'; readonly name: string; readonly pid: number; readonly ms: number }
  | {
      readonly kind: 'died';
      readonly name: string;
      readonly pid: number;
      readonly code: number;
      readonly onPurpose: boolean;
      readonly lastWords: string;
    }
  | { readonly kind: 'restarted'; readonly name: string; readonly pid: number; readonly ms: number }
  | { readonly kind: 'restart-failed'; readonly name: string; readonly why: string }
  | { readonly kind: 'gave-up'; readonly name: string; readonly deaths: number; readonly lastWords: string };

export type OnPartEvent = (event: PartEvent) => void;

/** A part that is started again when it dies. */
export interface Part {
  readonly name: string;
  /** Of the running program; `null` while it is down. */
  pid(): number | null;
  /**
   * Kills the program with signal 9 on purpose: it comes back after `downMs`, and the death does not count. Resolves
   * when it is gone; wait for the event `restarted`, or for {@link Part.up}.
   */
  kill9(downMs?: number): Promise<void>;
  /** Resolves when the program is ready; rejects when it was stopped or given up. */
  up(): Promise<void>;
  /** Ends the program and the watching. Twice is once. */
  stop(): Promise<void>;
}

export interface Plan {
  readonly name: string;
  /** Starts the program and resolves when it is ready to serve; ends what it started before it throws. */
  readonly launch: () => Promise<GuardedChild>;
  readonly onEvent: OnPartEvent;
  /** Unexpected deaths within a minute that are forgiven. */
  readonly forgiven?: number;
}

const DEATHS_FORGIVEN = 3;
const MINUTE_MS = 60_000;
const FIRST_PAUSE_MS = 100;

/** @throws whatever `launch` throws the first time */
export async function supervise(plan: Plan): Promise<Part> {
  const supervisor = new Supervisor(plan);
  await supervisor.start();
  return supervisor;
}

class Supervisor implements Part {
  readonly name: string;
  readonly #plan: Plan;
  #child: GuardedChild | null = null;
  #stopping = false;
  #givenUp = false;
  /** Milliseconds the next restart waits because of a kill on purpose; `null` when no such kill is under way. */
  #downMs: number | null = null;
  #deaths: number[] = [];
  #wake: () => void = () => undefined;
  #watching: Promise<void> = Promise.resolve();
  readonly #waiting = new Set<() => void>();

  constructor(plan: Plan) {
    this.name = plan.name;
    this.#plan = plan;
  }

  async start(): Promise<void> {
    const { child, ms } = await this.#launch();
    this.#plan.onEvent({ kind: 'started', name: this.name, pid: child.pid, ms });
    this.#watching = this.#watch(child);
  }

  pid(): number | null {
    return this.#child?.pid ?? null;
  }

  async kill9(downMs = 0): Promise<void> {
    if (this.#child === null) return;
    this.#downMs = downMs;
    await this.#child.kill9();
  }

  async up(): Promise<void> {
    while (this.#child === null) {
      if (this.#stopping || this.#givenUp)
        throw new Error(`${this.name} does not run: it was ${this.#givenUp ? 'given up' : 'stopped'}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#wake();
    await this.#child?.stop();
    await this.#watching;
    this.#tellWaiting();
  }

  async #launch(): Promise<{ child: GuardedChild; ms: number }> {
    const began = performance.now();
    const child = await this.#plan.launch();
    this.#child = child;
    this.#tellWaiting();
    return { child, ms: Math.round(performance.now() - began) };
  }

  async #watch(first: GuardedChild): Promise<void> {
    let child: GuardedChild | null = first;
    while (child !== null) {
      const ending: Ending = await child.ended;
      this.#child = null;
      if (this.#stopping) return;
      const onPurpose = this.#downMs !== null;
      this.#plan.onEvent({ kind: 'died', name: this.name, pid: child.pid, onPurpose, ...ending });
      child = await this.#again(ending.lastWords);
    }
  }

  /** Starts the program again; `null` when it was stopped meanwhile or died too often. */
  async #again(lastWords: string): Promise<GuardedChild | null> {
    for (let words = lastWords; ;) {
      const pauseMs = this.#takeDownMs() ?? this.#countDeath();
      if (pauseMs === null) return this.#giveUp(words);
      await this.#pause(pauseMs);
      if (this.#stopping) return null;
      try {
        const { child, ms } = await this.#launch();
        if (this.#stopping) await child.stop();
        this.#plan.onEvent({ kind: 'restarted', name: this.name, pid: child.pid, ms });
        return child;
      } catch (error) {
        // A start that failed is one more death: it counts, and is tried again until it counts too often.
        words = error instanceof Error ? error.message : String(error);
        this.#plan.onEvent({ kind: 'restart-failed', name: this.name, why: words });
      }
    }
  }

  #takeDownMs(): number | null {
    const downMs = this.#downMs;
    this.#downMs = null;
    return downMs;
  }

  /** The pause before the next start, 100 ms and four times as much each time; `null` when it died too often. */
  #countDeath(): number | null {
    const now = performance.now();
    this.#deaths = [...this.#deaths.filter((at) => now - at < MINUTE_MS), now];
    const forgiven = this.#plan.forgiven ?? DEATHS_FORGIVEN;
    return this.#deaths.length > forgiven ? null : FIRST_PAUSE_MS * 4 ** (this.#deaths.length - 1);
  }

  #giveUp(lastWords: string): null {
    this.#givenUp = true;
    this.#plan.onEvent({ kind: 'gave-up', name: this.name, deaths: this.#deaths.length, lastWords });
    this.#tellWaiting();
    return null;
  }

  #pause(ms: number): Promise<void> {
    if (this.#stopping) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #tellWaiting(): void {
    for (const tell of this.#waiting) tell();
    this.#waiting.clear();
  }
}
