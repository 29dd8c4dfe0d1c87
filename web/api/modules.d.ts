// Modules that come without types of their own.

declare module '*/wasm/latencast.mjs' {
  const createModule: typeof import('../../wasm/latencast.js').default;
  export default createModule;
}

declare module '*/wasm/latencast-models.mjs' {
  const createModule: typeof import('../../wasm/latencast-models.js').default;
  export default createModule;
}

declare module '*/wasm/latencast-tables.mjs' {
  const createModule: typeof import('../../wasm/latencast-tables.js').default;
  export default createModule;
}

declare module 'comlink/dist/esm/node-adapter.mjs' {
  const nodeEndpoint: typeof import('comlink/dist/esm/node-adapter.js').default;
  export default nodeEndpoint;
}
