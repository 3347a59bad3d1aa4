/** The byte stream to xenstored, whatever it is made of. */
export interface Transport {
  /** Sends one whole message. Failures come by `closed`. */
  send(message: Buffer): void;
  /** The most bytes a request's body may have here. */
  readonly maxRequestBytes: number;
  /** Whether a request may be sent before the one sent last has been answered. */
  readonly pipelines: boolean;
  /** Ends the stream; `closed` is not called any more. */
  close(): void;
}

export interface TransportListener {
  received(chunk: Uint8Array): void;
  /** The stream is over; called once. */
  closed(reason: Error): void;
}
