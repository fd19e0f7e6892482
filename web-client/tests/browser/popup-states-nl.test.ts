// Every state of the popup in Dutch.

import { everyStateIn } from "./every-state.ts";

everyStateIn("nl");
