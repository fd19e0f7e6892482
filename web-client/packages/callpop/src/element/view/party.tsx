// Who is on the other side: names and numbers, each isolated from the text around it.

import type { VNode } from "preact";
import type { Party } from "../../wire.ts";
import { digitGroups } from "../phone-number.ts";
import type { Words } from "../words/words.ts";
import { displayText } from "../text.ts";

export function Name({ name }: { name: string }): VNode {
  return <bdi class="name">{name}</bdi>;
}

/** Grouped by style alone: copied, it is the number to dial. */
export function PhoneNumber({ number }: { number: string }): VNode {
  return (
    <bdi class="number" dir="ltr">
      {digitGroups(number).map((group, index) => (
        <span key={index}>{group}</span>
      ))}
    </bdi>
  );
}

/** The name, else the number, else a word for neither. */
export function Who({ party, words }: { party: Party; words: Words }): VNode {
  const name = displayText(party.name);
  const number = displayText(party.number, 40);
  if (name !== "") return <Name name={name} />;
  return number === "" ? <Name name={words.unknown} /> : <PhoneNumber number={number} />;
}

/** "John Doe · 200", or the one of both that is known. */
export function Line({ party }: { party: Party }): VNode {
  const name = displayText(party.name);
  const number = displayText(party.number, 40);
  return (
    <>
      {name !== "" && <Name name={name} />}
      {name !== "" && number !== "" && " · "}
      {number !== "" && <PhoneNumber number={number} />}
    </>
  );
}

/** The same as text alone, for labels and announcements. */
export function whoText(party: Party, words: Words): string {
  const number = digitGroups(displayText(party.number, 40)).join(" ");
  return displayText(party.name) || number || words.unknown;
}
