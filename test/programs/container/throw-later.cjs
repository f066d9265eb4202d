// Loaded before the init's sources: once the file named by THROW_WHEN is there, throws where nobody catches it.
const { existsSync } = require("node:fs");

const timer = setInterval(() => {
  if (!existsSync(process.env.THROW_WHEN)) return;
  clearInterval(timer);
  throw new Error("planted error");
}, 20);
