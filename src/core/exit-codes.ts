/** The exit codes that have a meaning of their own (product 1); everything else is a program's. */

/** The command line or the configuration is wrong, or asks for what cannot be had; nothing was started. */
export const EXIT_USAGE = 2;
/** tsinit itself failed. */
export const EXIT_FAULT = 70;
/** What a shell answers for a command that is there and cannot be run, and for one that is not there. */
export const NOT_EXECUTABLE = 126;
export const NOT_FOUND = 127;
