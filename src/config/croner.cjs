/** croner, loaded when the first schedule is read: CommonJS, because only there a load on demand is not a promise. */
exports.load = () => require("croner");
