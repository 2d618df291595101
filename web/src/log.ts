import { type ILogger, overrideLogger } from "@epicgames-ps/lib-pixelstreamingfrontend-ue5.5";

/** Enough to see how a connection came about and what ended it. */
const KEPT_LINES = 300;

/**
 * Takes the place of the library's console logger, which writes each message with a stack trace.
 * The last lines are kept for a report (`window.pixelstreaming.log`); what the library calls an
 * error (an unknown data-channel message, say) is not one of the page and shows as a warning.
 */
export class PageLog implements ILogger {
  readonly lines: string[] = [];

  constructor(private readonly verbose: boolean) {}

  install(): void {
    overrideLogger(this);
  }

  InitLogging(): void {}

  Debug(message: string): void {
    this.keep("debug", message);
  }

  Info(message: string): void {
    this.keep("info", message);
  }

  Warning(message: string): void {
    this.keep("warning", message);
  }

  Error(message: string): void {
    this.keep("error", message);
    // eslint-disable-next-line no-console -- the one place that writes to the console
    console.warn(message);
  }

  private keep(level: string, message: unknown): void {
    this.lines.push(`${new Date().toISOString()} ${level} ${String(message).slice(0, 2000)}`);
    if (this.lines.length > KEPT_LINES) {
      this.lines.shift();
    }
    if (this.verbose) {
      // eslint-disable-next-line no-console -- asked for by ?debug
      console.debug(`[${level}] ${message}`);
    }
  }
}
