// What is wrong with the address that is to give tokens, in words for the page's developer.

import { tell } from "./tell.ts";

/** `answer` is one without a token, or why there was none. Throws. */
export function explain(url: string, answer: Response | Error): never {
  const words =
    "status" in answer
      ? `${url} answered ${answer.status} without a token: it has to answer {"token": "<jwt>"}, and 401 when nobody is signed in`
      : `${url} cannot be asked for a token (does the page's connect-src allow it?): ${answer}`;
  tell(words);
  throw new Error(words);
}
