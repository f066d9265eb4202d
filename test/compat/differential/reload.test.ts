/** supervisord and tsinit side by side: configs that change. */
import { runScenarios } from "./run.ts";
import { RELOAD } from "./scenarios/reload.ts";

runScenarios("reload", RELOAD);
