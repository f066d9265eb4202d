/** supervisord and tsinit side by side: what a program is given. */
import { runScenarios } from "./run.ts";
import { PROGRAMS } from "./scenarios/programs.ts";

runScenarios("programs", PROGRAMS);
