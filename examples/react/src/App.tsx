import { CallPopup } from "./CallPopup.tsx";
import { useCalls } from "./useCalls.ts";

/** One client for the whole application: the popup shows its calls, and so does this list. */
export function App({ gateway }: { readonly gateway: string }) {
  const { client, calls, connection } = useCalls(gateway, "/callpop-token");
  return (
    <main>
      <h1>callpop in React</h1>
      <p>
        The connection is <output>{connection.phase}</output>.
      </p>
      <ul>
        {calls.map((call) => (
          <li key={`${call.source} ${call.extension} ${call.leg_id}`}>
            {call.remote.name ?? call.remote.number ?? "unknown"}: {call.state}
          </li>
        ))}
      </ul>
      <CallPopup client={client} placement="bottom-right" />
    </main>
  );
}
