/** Every scenario there is, for what counts them. */
import type { Scenario } from "../scenario.ts";
import { ARCHETYPES } from "./archetypes.ts";
import { CONTROL } from "./control.ts";
import { EVENTS } from "./events.ts";
import { LOGS } from "./logs.ts";
import { PROGRAMS } from "./programs.ts";
import { REFUSALS } from "./refusals.ts";
import { RELOAD } from "./reload.ts";
import { SERVERS } from "./servers.ts";
import { SHUTDOWN } from "./shutdown.ts";
import { STATES } from "./states.ts";

export const SCENARIOS: readonly Scenario[] = [
  ...ARCHETYPES,
  ...CONTROL,
  ...EVENTS,
  ...LOGS,
  ...PROGRAMS,
  ...REFUSALS,
  ...RELOAD,
  ...SERVERS,
  ...SHUTDOWN,
  ...STATES,
];
