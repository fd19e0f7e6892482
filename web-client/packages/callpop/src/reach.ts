// What the tabs of a user can do to reach them, and which of them is to do it.

/** What a page can do to reach its user. */
export interface Reach {
  readonly visible: boolean;
  readonly focused: boolean;
  /** Sound was unlocked by a gesture of the user. */
  readonly sound: boolean;
  /** The user allowed desktop notifications. */
  readonly notifications: boolean;
}

/** What this page is to do for all pages of this user in this browser. */
export interface Duties {
  /** Its socket serves all of them. */
  readonly leads: boolean;
  /** Plays the ringtone: exactly one page. */
  readonly rings: boolean;
  /** Shows desktop notifications: exactly one page, and none while one of them has the focus. */
  readonly notifies: boolean;
}

/** A page as the others know it. */
export interface Peer {
  readonly id: string;
  readonly leads: boolean;
  readonly reach: Reach;
}

/** What the gateway is told of it. */
export type Alert = Omit<Reach, "focused">;

export const NO_REACH: Reach = {
  visible: false,
  focused: false,
  sound: false,
  notifications: false,
};

/** What a page is to do that is alone. */
export function dutiesAlone({ focused }: Pick<Reach, "focused">): Duties {
  return { leads: true, rings: true, notifies: !focused };
}

export function isSame<T extends object>(a: T, b: T): boolean {
  return (Object.keys(a) as (keyof T)[]).every((name) => a[name] === b[name]);
}
