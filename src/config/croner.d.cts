export declare function load(): typeof import("croner");
