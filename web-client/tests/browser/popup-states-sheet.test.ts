// All states of the popup on one sheet.

import { allStatesOnOneSheet } from "./every-state.ts";

allStatesOnOneSheet();
