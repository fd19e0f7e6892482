// A sentence with nodes in its gaps, so that a translation decides their order.

import type { ComponentChild, VNode } from "preact";

interface PhraseProps {
  readonly text: string;
  readonly with: Readonly<Record<string, ComponentChild>>;
}

export function Phrase({ text, with: values }: PhraseProps): VNode {
  // Split by a group: the odd pieces are the names of the gaps.
  const pieces = text.split(/\{(\w+)\}/);
  return <>{pieces.map((piece, index) => (index % 2 === 0 ? piece : values[piece]))}</>;
}
