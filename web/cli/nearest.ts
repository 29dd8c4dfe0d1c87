/** Letters to add, drop, replace or swap with a neighbour (optimal string alignment). */
function distance(a: string, b: string): number {
  let [before, last]: number[][] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; ++i) {
    const row = [i];
    for (let j = 1; j <= b.length; ++j) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? before![j - 2]! + 1 : Infinity;
      row.push(Math.min(last![j]! + 1, row[j - 1]! + 1, last![j - 1]! + same, swapped));
    }
    [before, last] = [last, row];
  }
  return last![b.length]!;
}

/** `; did you mean WORD?` of the known word that a mistyped one is most like; nothing where none is close. */
export function hint(text: string, known: readonly string[]): string {
  let closest: string | undefined;
  let fewest = Math.max(1, Math.floor(text.length / 3)) + 1;
  for (const word of known) {
    const found = distance(text.toLowerCase(), word.toLowerCase());
    if (found < fewest) [closest, fewest] = [word, found];
  }
  return closest === undefined ? '' : `; did you mean ${closest}?`;
}

/** Names that a message can list without burying what it says. */
const kMostListed = 24;
const kMostSimilar = 5;

/** `expected one of ...`: all of them, or of many those that share words with the text. */
export function expectedOneOf(text: string, known: readonly string[]): string {
  if (known.length <= kMostListed) return `expected one of ${known.join(', ')}${hint(text, known)}`;
  const words = (name: string): readonly string[] => name.toLowerCase().split(/[^a-z0-9]+/);
  const asked = new Set(words(text));
  const shared = (name: string): number => words(name).filter((word) => asked.has(word)).length;
  const similar = known.map((name) => ({ name, shared: shared(name) })).sort((a, b) => b.shared - a.shared);
  const listed = similar.slice(0, kMostSimilar).map(({ name }) => name);
  return `expected one of ${known.length} names, such as ${listed.join(', ')}${hint(text, known)}`;
}
