/** supervisord and tsinit side by side: wrong configs. */
import { runScenarios } from "./run.ts";
import { REFUSALS } from "./scenarios/refusals.ts";

runScenarios("refusals", REFUSALS);
