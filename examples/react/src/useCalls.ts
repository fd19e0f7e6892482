// A user's calls as React state.

import { type Call, CallpopClient, type ConnectionState, tokenFromUrl } from "callpop";
import { useCallback, useEffect, useMemo, useSyncExternalStore } from "react";

export interface Calls {
  /** For `<CallPopup>`, and for what a page can do: `client.dismiss(call)`. */
  readonly client: CallpopClient;
  /** Newest first. */
  readonly calls: readonly Call[];
  readonly connection: ConnectionState;
}

/**
 * Connects while the component is mounted. Use it once, high in the tree: each use is a connection.
 * Under StrictMode the effect runs twice; a client that was closed connects anew.
 */
export function useCalls(gateway: string, tokenUrl: string): Calls {
  const client = useMemo(
    () => new CallpopClient({ url: gateway, token: tokenFromUrl(tokenUrl) }),
    [gateway, tokenUrl],
  );
  useEffect(() => {
    client.connect();
    return () => client.close();
  }, [client]);
  const onCalls = useCallback((tell: () => void) => client.on("calls", tell), [client]);
  const onState = useCallback((tell: () => void) => client.on("state", tell), [client]);
  const calls = useSyncExternalStore(onCalls, () => client.calls);
  const connection = useSyncExternalStore(onState, () => client.state);
  return { client, calls, connection };
}
