/** supervisord and tsinit side by side: what people really run. */
import { runScenarios } from "./run.ts";
import { ARCHETYPES } from "./scenarios/archetypes.ts";

runScenarios("archetypes", ARCHETYPES);
