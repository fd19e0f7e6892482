// Items as they stand, in their order: the highest version of each. When an item began seldom
// changes, and sorting all of them anew at every frame would cost a wallboard's page a core.

import { type ItemName, isMeant, keyOf } from "./item-key.ts";

interface Item extends ItemName {
  readonly version: number;
}

/** An item that became known or changed, and how it stood before: null when it is new here. */
export type Change<T> = readonly [item: T, previous: T | null];

export class ItemList<T extends Item> {
  readonly #timeOf: (item: T) => number;
  readonly #isPast: (item: T) => boolean;
  readonly #most: number;
  #items = new Map<string, T>();
  #list: readonly T[] = [];
  /** How many of them are past. */
  #past = 0;

  /** The latest by `timeOf` comes first; of those that are past, only so many are held. */
  constructor(timeOf: (item: T) => number, isPast: (item: T) => boolean, most: number) {
    this.#timeOf = timeOf;
    this.#isPast = isPast;
    this.#most = most;
  }

  /** Another list after every change. */
  get list(): readonly T[] {
    return this.#list;
  }

  get(name: ItemName): T | undefined {
    return this.#items.get(keyOf(name));
  }

  /** Whatever that name may mean; itself where it is of nothing that is held. */
  meant(name: ItemName): readonly ItemName[] {
    if (this.get(name) !== undefined) return [name];
    const meant = this.#list.filter((item) => isMeant(item, name));
    return meant.length > 0 ? meant : [name];
  }

  /** Forgets everything; what it held is given to `take`. */
  empty(): ReadonlyMap<string, T> {
    const before = this.#items;
    this.#items = new Map();
    this.#list = [];
    this.#past = 0;
    return before;
  }

  /** Takes those that are newer than what is held; gives what changed since `before`. */
  take(items: readonly T[], before: ReadonlyMap<string, T> = this.#items): Change<T>[] {
    const changes: Change<T>[] = [];
    for (const item of items) {
      const key = keyOf(item);
      if (item.version <= (this.#items.get(key)?.version ?? -1)) continue;
      const previous = before.get(key) ?? null;
      this.#put(key, item);
      if (item.version !== previous?.version) changes.push([item, previous]);
    }
    return changes;
  }

  #put(key: string, item: T): void {
    const held = this.#items.get(key);
    this.#items.set(key, item);
    this.#list = this.#with(held, item);
    this.#past += Number(this.#isPast(item)) - Number(held !== undefined && this.#isPast(held));
    if (this.#past > this.#most) this.#forgetOldest();
  }

  /** The list with an item in its place, which mostly is that of what was held of it. */
  #with(held: T | undefined, item: T): readonly T[] {
    const time = this.#timeOf(item);
    if (held !== undefined && this.#timeOf(held) === time) {
      return this.#list.with(this.#list.indexOf(held), item);
    }
    const others = this.#list.filter((other) => other !== held);
    const next = others.findIndex((other) => this.#timeOf(other) < time);
    return others.toSpliced(next < 0 ? others.length : next, 0, item);
  }

  #forgetOldest(): void {
    const oldest = this.#list.findLast(this.#isPast);
    if (oldest === undefined) return;
    this.#items.delete(keyOf(oldest));
    this.#list = this.#list.filter((item) => item !== oldest);
    this.#past -= 1;
  }
}
