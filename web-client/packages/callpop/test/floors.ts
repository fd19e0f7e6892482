// Reads the floors of the web client and the imports of its files, and tells every import that goes
// up or round. It knows nothing of any file by name: the table in docs/architecture.md does.

import { dirname, join } from "node:path/posix";
import { parseAst } from "vite";

/** A room of the code: a folder, or a file without its ending. */
export interface Room {
  readonly path: string;
  /** The higher one may import the lower one. */
  readonly floor: number;
}

/** Where something is imported, whatever for. */
export interface Import {
  readonly specifier: string;
  readonly line: number;
}

/** An import of one file of ours by another. */
interface Arrow extends Import {
  readonly from: string;
  readonly to: string;
}

/** Files by path, with their text. */
export type Files = ReadonlyMap<string, string>;

/** The rooms of the table below that heading. */
export function roomsOf(markdown: string, heading: string): readonly Room[] {
  const [, section = ""] = markdown.split(`\n## ${heading}\n`);
  const [table = ""] = section.split("\n## ");
  return [...table.matchAll(/^\| (\d+) \|([^|]*)\|/gm)].flatMap(([, floor, rooms = ""]) =>
    [...rooms.matchAll(/`([^`]+)`/g)].map(([, path = ""]) => ({ path, floor: Number(floor) })),
  );
}

/** What a file imports: static, for types only, passed on, or while it runs. */
export function importsOf(path: string, text: string): readonly Import[] {
  const program = parseAst(text, { lang: path.endsWith("x") ? "tsx" : "ts", astType: "ts" }, path);
  const found: Import[] = [];
  visit(program, (node) => {
    const { source, start } = node;
    if (!isNode(source) || typeof source.value !== "string" || typeof start !== "number") return;
    found.push({ specifier: source.value, line: text.slice(0, start).split("\n").length });
  });
  return found;
}

type Node = Readonly<Record<string, unknown>>;

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null;

function visit(value: unknown, look: (node: Node) => void): void {
  if (!isNode(value)) return;
  look(value);
  for (const inner of Object.values(value)) visit(inner, look);
}

/** Everything that is wrong, each with its place; `packages` are entries that are imported by name. */
export function faultsOf(
  rooms: readonly Room[],
  files: Files,
  packages: ReadonlyMap<string, string> = new Map(),
): readonly string[] {
  const roomOf = (path: string): Room | undefined =>
    rooms
      .filter((room) => isWithin(path, room.path))
      .reduce<Room | undefined>(
        (best, room) => (room.path.length > (best?.path.length ?? 0) ? room : best),
        undefined,
      );
  const arrows = arrowsOf(files, packages);
  return [
    ...tableFaults(rooms, files, roomOf),
    ...upward(arrows, roomOf),
    ...round(arrows, (path) => path, "in a circle of files"),
    ...round(arrows, (path) => roomOf(path)?.path ?? path, "in a circle of rooms"),
  ];
}

function isWithin(path: string, room: string): boolean {
  return path.startsWith(`${room}/`) || path.replace(/(\.d)?\.tsx?$/, "") === room;
}

function arrowsOf(files: Files, packages: ReadonlyMap<string, string>): readonly Arrow[] {
  return [...files].flatMap(([from, text]) =>
    importsOf(from, text).flatMap((one) => {
      const { specifier } = one;
      const isOurs = specifier.startsWith(".");
      const to = isOurs ? join(dirname(from), specifier) : packages.get(specifier);
      return to !== undefined && files.has(to) ? [{ ...one, from, to }] : [];
    }),
  );
}

function tableFaults(
  rooms: readonly Room[],
  files: Files,
  roomOf: (path: string) => Room | undefined,
): readonly string[] {
  const linesIn = new Map<Room, number>(rooms.map((room) => [room, 0]));
  const faults: string[] = [];
  let all = 0;
  for (const [path, text] of files) {
    const [room, lines] = [roomOf(path), text.split("\n").length - 1];
    all += lines;
    if (room === undefined) faults.push(`${path}:1: is in no room`);
    else linesIn.set(room, (linesIn.get(room) ?? 0) + lines);
  }
  for (const [{ path }, lines] of linesIn) {
    if (lines === 0) faults.push(`${path}: is a room without files`);
    if (lines > all / 4)
      faults.push(`${path}: holds ${lines} of ${all} lines, more than a quarter`);
  }
  return faults;
}

function upward(
  arrows: readonly Arrow[],
  roomOf: (path: string) => Room | undefined,
): readonly string[] {
  return arrows.flatMap(({ from, to, line }) => {
    const [above, below] = [roomOf(from), roomOf(to)];
    if (above === undefined || below === undefined || above.floor >= below.floor) return [];
    return [`${from}:${line}: imports ${to}, from floor ${above.floor} up to ${below.floor}`];
  });
}

/** The imports that lead from somewhere back to where they began; files are told apart by `placeOf`. */
function round(
  arrows: readonly Arrow[],
  placeOf: (path: string) => string,
  how: string,
): readonly string[] {
  const next = new Map<string, Set<string>>();
  for (const { from, to } of arrows) {
    const [here, there] = [placeOf(from), placeOf(to)];
    if (here !== there) next.set(here, (next.get(here) ?? new Set()).add(there));
  }
  return arrows.flatMap(({ from, to, line }) => {
    const isSelf = from === to;
    const [here, there] = [placeOf(from), placeOf(to)];
    if (!isSelf && (here === there || !reaches(there, here, next))) return [];
    return [`${from}:${line}: imports ${to} ${how}`];
  });
}

function reaches(from: string, to: string, next: ReadonlyMap<string, Iterable<string>>): boolean {
  const seen = new Set([from]);
  for (const place of seen) {
    if (place === to) return true;
    for (const one of next.get(place) ?? []) seen.add(one);
  }
  return false;
}
