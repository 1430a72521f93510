/** Waits for the wish to stop. */

/** Resolves at SIGTERM or SIGINT, or when the parent process that holds our IPC channel is gone. A second signal ends the process at once. */
export function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    const stop = (): void => {
      if (asked) process.exit(1);
      asked = true;
      // Listening on the channel would keep the process alive when all is closed.
      process.channel?.unref();
      resolve();
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
    // Only a child of the demo has a channel.
    process.once('disconnect', () => resolve());
    // Gone before we listened.
    if ((process.connected as boolean | undefined) === false) resolve();
  });
}
