// What a page says when it makes a client.

import type { SocketConstructor } from "./socket.ts";
import type { TokenProvider } from "./tokens.ts";

/** How to reach a gateway. */
export interface ClientOptions {
  /** Where the gateway is, as `https://…` or `wss://…`. Default: the origin of the page. */
  url?: string;
  /** Gives the token; called for every connection, and again before a token expires. */
  token: TokenProvider;
  /** `user`: the token's extensions; `tenant`: all of them, for supervisors. Default: `user`. */
  scope?: "user" | "tenant";
  /**
   * Whether the gateway is asked for conversations: which legs belong together, and who answered. One
   * that does not know them sends none. Default: true.
   */
  conversations?: boolean;
  /**
   * Whether the pages of one user in one browser share one socket, where the browser has Web Locks
   * and the token can be read. Default: true.
   */
  tabs?: boolean;
  /**
   * Whether `contactName` asks the gateway; the page's policy has to allow `connect-src` to its
   * `https:` address then. Default: false.
   */
  contacts?: boolean;
  /** Default: the WebSocket of the browser. */
  webSocket?: SocketConstructor;
}
