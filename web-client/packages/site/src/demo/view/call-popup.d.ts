import type { TokenProvider } from "callpop";
import type { CallPopup } from "callpop/element";
import type { HTMLAttributes } from "preact";

declare module "preact" {
  namespace JSX {
    interface IntrinsicElements {
      "call-popup": HTMLAttributes<CallPopup> & {
        tokenProvider?: TokenProvider;
        label?: string;
        theme?: string | undefined;
      };
    }
  }
}
