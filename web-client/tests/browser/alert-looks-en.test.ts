// Every state of the alerts and the self-check in English.

import { alertLooksIn } from "./alert-looks.ts";

alertLooksIn("en");
