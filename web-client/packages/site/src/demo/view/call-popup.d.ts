import type { CallPopup, CallSource } from "callpop/element";
import type { HTMLAttributes } from "preact";

declare module "preact" {
  namespace JSX {
    interface IntrinsicElements {
      "call-popup": HTMLAttributes<CallPopup> & {
        client?: CallSource;
        label?: string;
        theme?: string | undefined;
      };
    }
  }
}
