// Every state of the alerts and the self-check in French.

import { alertLooksIn } from "./alert-looks.ts";

alertLooksIn("fr");
