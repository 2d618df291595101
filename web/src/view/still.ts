import { el } from "../dom";

/** Enough for a picture that is shown dimmed. */
const WIDEST = 960;

/**
 * The last picture of a stream that is gone. Browsers turn a video black the moment its
 * connection closes; a visitor who waits for it to come back should not sit in the dark.
 */
export class Still {
  readonly root = el("canvas", { class: "still", "aria-hidden": "true", hidden: true });

  /** Keeps what `video` shows now, if it shows anything; what is kept stays until `clear`. */
  keep(video: HTMLVideoElement): void {
    if (!this.root.hidden) {
      return; // the video is black since
    }
    if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA || video.videoWidth === 0) {
      return;
    }
    const scale = Math.min(1, WIDEST / video.videoWidth);
    this.root.width = Math.round(video.videoWidth * scale);
    this.root.height = Math.round(video.videoHeight * scale);
    this.root.getContext("2d")?.drawImage(video, 0, 0, this.root.width, this.root.height);
    this.root.hidden = false;
  }

  clear(): void {
    this.root.hidden = true;
  }
}
