// A union of tuples from a table of words: what may be said, told apart by the first of each.

export type Union<Words> = {
  [Name in keyof Words]: Words[Name] extends unknown[] ? readonly [Name, ...Words[Name]] : never;
}[keyof Words];
