/** supervisord and tsinit side by side: servers, logins, HTTP. */
import { runScenarios } from "./run.ts";
import { SERVERS } from "./scenarios/servers.ts";

runScenarios("servers", SERVERS);
