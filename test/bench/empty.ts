/** A program that does nothing: what is left of its run time is Node's own start and end. */
export {};
