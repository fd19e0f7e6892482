// Every state of the alerts and the self-check in Dutch.

import { alertLooksIn } from "./alert-looks.ts";

alertLooksIn("nl");
