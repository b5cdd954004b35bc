/** One line of a trade's story; `wakes` when its workflow must hear of it. */
export interface News {
  readonly type: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly wakes: boolean;
}
