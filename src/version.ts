/** The version, from package.json by way of the bundler. */
import pkg from "../package.json" with { type: "json" };

export const VERSION: string = pkg.version;
