/** supervisord and tsinit side by side: what clients ask and get. */
import { runScenarios } from "./run.ts";
import { CONTROL } from "./scenarios/control.ts";

runScenarios("control", CONTROL);
