/**
 * Stands in for `fs` inside pidusage, which opens /proc/PID/stat, reads it, and only then remembers the descriptor: when the
 * process ends in between nobody ever closes it. Descriptors that were read once are pidusage's to close, in its own time.
 */
const fs = require("node:fs");

/** Opened and not read yet. */
const fresh = new Set();

exports.existsSync = fs.existsSync;
exports.readFile = fs.readFile;
exports.close = fs.close;

exports.open = (path, flags, done) => {
  fs.open(path, flags, (error, fd) => {
    if (!error) fresh.add(fd);
    done(error, fd);
  });
};

exports.read = (fd, buffer, offset, length, position, done) => {
  fs.read(fd, buffer, offset, length, position, (error, count) => {
    const wasFresh = fresh.delete(fd);
    if (error && wasFresh) fs.close(fd, () => {});
    done(error, count, buffer);
  });
};
