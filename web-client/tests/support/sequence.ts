// The order of the files: those that take longest first, so that none of them is left over at the end
// with the other workers idle.

import { BaseSequencer, type TestSpecification } from "vitest/node";

const LONGEST_FIRST = [
  "throttled",
  "resume",
  "alerts",
  "popup-states",
  "integrations-page",
  "alert-looks",
];

export class Sequence extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = LONGEST_FIRST.findIndex((name) => moduleId.includes(`/${name}`));
      return found === -1 ? LONGEST_FIRST.length : found;
    };
    return files.toSorted((one, other) => place(one) - place(other));
  }
}
