declare module '*/.ci/package.mjs' {
  /** Builds the package into `dist`. */
  export function buildPackage(): Promise<void>;
}
