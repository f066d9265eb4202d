/** supervisord and tsinit side by side: event listeners, fcgi sockets, stdin. */
import { runScenarios } from "./run.ts";
import { EVENTS } from "./scenarios/events.ts";

runScenarios("events", EVENTS);
