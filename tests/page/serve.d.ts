declare module '*/.ci/serve.mjs' {
  /** Serves a folder, `dist/app` unless told, on a free port. */
  export function serve(options?: {
    readonly port?: number;
    readonly folder?: string;
  }): Promise<{ readonly address: string; stop(): Promise<void> }>;
}
