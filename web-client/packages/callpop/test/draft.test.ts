import { describe, expect, test } from "vitest";
import {
  cleaned,
  conflictOf,
  type Draft,
  draftOf,
  follow,
  isUnsaved,
} from "../src/element/wrap-up/draft.ts";

const stored = (
  note: string,
  at: number,
): { disposition: null; note: string; at: number; by: string } => ({
  disposition: null,
  note,
  at,
  by: "user",
});
const typed = (note: string, draft: Draft = draftOf(null)): Draft => ({
  ...draft,
  entry: { disposition: null, note },
});

describe("a draft", () => {
  test("without a word of its own shows what is stored", () => {
    expect(follow(draftOf(null), stored("a", 1)).entry.note).toBe("a");
    expect(follow(draftOf(stored("a", 1)), stored("b", 2)).entry.note).toBe("b");
    expect(follow(draftOf(stored("a", 1)), null).entry.note).toBe("");
  });

  test("that is typed stays, and tells of what somebody else has stored", () => {
    const draft = follow(typed("mine"), stored("theirs", 1));
    expect(draft.entry.note).toBe("mine");
    expect(conflictOf(draft, stored("theirs", 1))?.note).toBe("theirs");
    expect(isUnsaved(draft)).toBe(true);
  });

  test("is saved when what was sent comes back, whatever was typed since", () => {
    const sent = { ...typed("mine"), sent: { disposition: null, note: "mine" } };
    const saved = follow(sent, stored("mine", 1));
    expect([isUnsaved(saved), conflictOf(saved, stored("mine", 1)), saved.sent]).toEqual([
      false,
      null,
      null,
    ]);
    const typedOn = follow(typed("mine and more", sent), stored("mine", 1));
    expect([
      isUnsaved(typedOn),
      typedOn.entry.note,
      conflictOf(typedOn, stored("mine", 1)),
    ]).toEqual([true, "mine and more", null]);
  });

  test("that says the same as what is stored since is no conflict", () => {
    const draft = follow(typed("same"), stored("same", 1));
    expect([isUnsaved(draft), conflictOf(draft, stored("same", 1))]).toEqual([false, null]);
  });

  test("is sent without what a note cannot hold", () => {
    const note = `a\r\nb\rc\u0000\u001b[31m\td  \n`;
    expect(cleaned({ disposition: "x", note })).toEqual({
      disposition: "x",
      note: "a\nb\nc[31m\td",
    });
    expect([...cleaned({ disposition: null, note: "🚀".repeat(3_000) }).note]).toHaveLength(2_000);
  });
});
