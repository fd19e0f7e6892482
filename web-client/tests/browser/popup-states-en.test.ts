// Every state of the popup in English.

import { everyStateIn } from "./every-state.ts";

everyStateIn("en");
