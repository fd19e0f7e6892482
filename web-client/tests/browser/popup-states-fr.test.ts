// Every state of the popup in French.

import { everyStateIn } from "./every-state.ts";

everyStateIn("fr");
