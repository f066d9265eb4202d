/** supervisord and tsinit side by side: the life of a program. */
import { runScenarios } from "./run.ts";
import { STATES } from "./scenarios/states.ts";

runScenarios("states", STATES);
