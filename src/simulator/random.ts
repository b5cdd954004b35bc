/** A stream of reproducible numbers; the same seed gives the same stream on every machine. */
export interface Random {
  /** The next number in [0, 1). */
  (): number;
}

/** The sfc32 generator, seeded by a hash of the text. */
export function seededRandom(seed: string): Random {
  let [a, b, c, counter] = hashes(seed);
  const next = () => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return (sum >>> 0) / 4_294_967_296;
  };
  for (let i = 0; i < 12; i += 1) next();
  return next;
}

/** A standard normal number (Box-Muller). */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

function hashes(seed: string): [number, number, number, number] {
  let hash = 2_166_136_261;
  const next = () => {
    for (const character of `${seed}.`) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16_777_619);
    return hash | 0;
  };
  return [next(), next(), next(), 1];
}
