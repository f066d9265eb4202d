/** supervisord and tsinit side by side: output and where it is read. */
import { runScenarios } from "./run.ts";
import { LOGS } from "./scenarios/logs.ts";

runScenarios("logs", LOGS);
