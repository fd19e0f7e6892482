// A server that renders pages imports the package, too.

import { expect, test } from "vitest";

test("importing the element needs no browser and defines nothing", async () => {
  expect("document" in globalThis).toBe(false);
  const { CallPopup } = await import("callpop/element");
  expect(CallPopup.observedAttributes).toContain("token-url");
});
