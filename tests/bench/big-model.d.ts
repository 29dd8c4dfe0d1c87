declare module '*/big-model.mjs' {
  export function withWeights(bytes: Uint8Array): { readonly parts: readonly Uint8Array<ArrayBuffer>[]; readonly size: number };
}
