/** supervisord and tsinit side by side: the end of the daemon, and the order before it. */
import { runScenarios } from "./run.ts";
import { SHUTDOWN } from "./scenarios/shutdown.ts";

runScenarios("shutdown", SHUTDOWN);
