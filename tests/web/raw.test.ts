import { readFileSync } from 'node:fs';

import ts from 'typescript';
import { beforeAll, describe, expect, test } from 'vitest';

import type { RawEncoder, RawHandle, RawModule, RawPredictor, RawSearch, RawTransfer } from '../../wasm/latencast.js';
import type { RawFleet, RawKernelPlatform, RawModel, RawModelsModule, RawPlatform, RawPool } from '../../wasm/latencast-models.js';
import type { RawTable, RawTableEstimate, RawTablesModule } from '../../wasm/latencast-tables.js';
import { loadModule } from '../../web/api/module.js';
import { encoderFile, fleetFile, kMeasurements, kSamplers, poolFile, weights } from './helpers.js';

const kRoot = new URL('../../', import.meta.url);

function source(path: string): ts.SourceFile {
  return ts.createSourceFile(path, readFileSync(new URL(path, kRoot), 'utf8'), ts.ScriptTarget.Latest);
}

/** The methods of an interface as declared, with how many arguments each takes. */
function declared(file: ts.SourceFile, name: string): Map<string, number> {
  const found = file.statements.find((one): one is ts.InterfaceDeclaration =>
    ts.isInterfaceDeclaration(one) && one.name.text === name,
  );
  if (!found) throw new Error(`${file.fileName}: no interface ${name}`);
  const methods = found.members.filter(ts.isMethodSignature);
  return new Map(methods.map((method) => [(method.name as ts.Identifier).text, method.parameters.length]));
}

/** More than any function takes. */
const kTooMany = Array.from({ length: 99 });

/** How many arguments embind takes, from what it says of a call with too many; undefined for functions not its own, which accept them. */
function arity(target: object, name: string): number | undefined {
  try {
    (target as Record<string, (...args: unknown[]) => unknown>)[name]?.(...kTooMany);
    return undefined;
  } catch (caught) {
    const expected = /called with 99 arguments, expected (\d+)/.exec(String((caught as Error).message));
    if (!expected) throw caught;
    return Number(expected[1]);
  }
}

/** Every function embind added to a module. `_malloc` and its like are the C library's own. */
function expectFunctions(module: object, functions: ReadonlyMap<string, number>): void {
  const live = Object.keys(module).filter((name) => /^_[a-z]/.test(name) && arity(module, name) !== undefined);
  expect(live.sort()).toEqual([...functions.keys()].sort());
  for (const [name, count] of functions) expect([name, arity(module, name)]).toEqual([name, count]);
}

function expectMethods(handle: RawHandle, functions: ReadonlyMap<string, number>): void {
  const live = Object.getOwnPropertyNames(Object.getPrototypeOf(handle)).filter((name) => name !== 'constructor');
  expect(live.sort()).toEqual([...functions.keys()].sort());
  for (const [method, count] of functions) expect([method, arity(handle, method)]).toEqual([method, count]);
  expect(typeof handle.delete).toBe('function');
}

// The hand-written types of wasm/latencast.d.ts against the module itself.
describe('raw module', () => {
  const types = source('wasm/latencast.d.ts');
  let module: RawModule;
  let predictor: RawPredictor;
  let transfer: RawTransfer;
  let search: RawSearch;
  let encoder: RawEncoder;

  beforeAll(async () => {
    const { raw, whole } = await loadModule();
    await whole();
    module = raw;
    predictor = module._load(weights()).value!;
    const list = kMeasurements.map(({ architecture }) => `${architecture}\n`).join('');
    const latencies = Float64Array.from(kMeasurements, ({ latency_ms }) => latency_ms);
    transfer = predictor._transfer(list, latencies, '{}').value!;
    const short = predictor._transfer(list, latencies, '{"epochs": 1}').value!;
    while (!(JSON.parse(short._step(1e9).value!) as { finished: boolean }).finished);
    search = short._result().value!._search(Float64Array.of(10), '', new Float64Array(), '{}').value!;
    encoder = module._loadEncoder(encoderFile()).value!;
  });

  test('has the functions that are declared, and no others', () => {
    expectFunctions(module, declared(types, 'RawModule'));
  });

  test.each([
    ['RawPredictor', () => predictor],
    ['RawTransfer', () => transfer],
    ['RawSearch', () => search],
    ['RawEncoder', () => encoder],
  ])('%s has the methods that are declared, and no others', (name, handle) => {
    expectMethods(handle(), declared(types, name));
  });

  test('knows the error codes that the API declares', () => {
    const alias = source('web/api/types.ts').statements.find(
      (one): one is ts.TypeAliasDeclaration => ts.isTypeAliasDeclaration(one) && one.name.text === 'ErrorCode',
    );
    const union = (alias!.type as ts.UnionTypeNode).types.map(
      (one) => ((one as ts.LiteralTypeNode).literal as ts.StringLiteral).text,
    );
    const engine = module._errorCodes().value!.split('\n').slice(0, -1);
    // The last two arise in TypeScript only.
    expect(union).toEqual([...engine, 'load', 'disposed']);
  });

  test('knows the samplers that the API declares', () => {
    const engine = module._samplers().value!.split('\n').slice(0, -1);
    expect([...engine].sort()).toEqual([...kSamplers].sort());
  });

  test('answers with failures instead of throwing', () => {
    expect(module._load(new Uint8Array(3))).toEqual({
      error: { code: 'checkpoint', message: expect.any(String) as unknown },
    });
    expect(transfer._result()).toEqual({ error: { code: 'argument', message: expect.any(String) as unknown } });
    expect(predictor._transfer('421211\n', new Float64Array(2), '{}').error).toMatchObject({
      code: 'argument',
      message: expect.stringMatching(/1 architectures and 2 latencies/) as unknown,
    });
    expect(predictor._transfer('421211\n', new Float64Array(1), '{"speed":1}').error).toMatchObject({
      code: 'argument',
      message: expect.stringMatching(/option speed is unknown/) as unknown,
    });
  });

  test('measures matrix products', () => {
    expect(module._gemmGflops(64, 3).value).toBeGreaterThan(0.1);
    expect(module._gemmGflops(0, 3).error).toMatchObject({ code: 'argument' });
  });
});

// The same of wasm/latencast-models.d.ts.
describe('raw module of models', () => {
  const types = source('wasm/latencast-models.d.ts');
  let module: RawModelsModule;
  let model: RawModel;
  let fleet: RawFleet;
  let platform: RawPlatform;
  let pool: RawPool;
  let kernelPlatform: RawKernelPlatform;

  beforeAll(async () => {
    const glue = new URL('build-wasm/wasm/latencast-models.mjs', kRoot).href;
    const { default: create } = (await import(/* @vite-ignore */ glue)) as typeof import('../../wasm/latencast-models.js');
    const wasmBinary = new Uint8Array(readFileSync(new URL('build-wasm/wasm/latencast-models.wasm', kRoot)));
    module = await create({ wasmBinary });
    model = module._open(new Uint8Array(readFileSync(new URL('tests/golden/models/resnet18.onnx', kRoot))), '{}').value!;
    fleet = module._loadFleet(fleetFile()).value!;
    platform = fleet._platform(0).value!;
    pool = module._loadPool(poolFile()).value!;
    kernelPlatform = module._loadPoolPlatform(poolFile('cudnn-tesla_t4-fp32.latencast')).value!;
  });

  test('has the functions that are declared, and no others', () => {
    expectFunctions(module, declared(types, 'RawModelsModule'));
  });

  test.each([
    ['RawModel', () => model],
    ['RawFleet', () => fleet],
    ['RawPlatform', () => platform],
    ['RawPool', () => pool],
    ['RawKernelPlatform', () => kernelPlatform],
  ])('%s has the methods that are declared, and no others', (name, handle) => {
    expectMethods(handle(), declared(types, name));
  });

  test('answers with failures instead of throwing', () => {
    expect(module._open(new Uint8Array(3), '{}').error).toMatchObject({ code: 'model' });
    expect(module._open(new Uint8Array(3), '{"inputs":{"x":3}}').error).toMatchObject({
      code: 'argument',
      message: expect.stringMatching(/inputs is .*; expected lists of whole numbers/) as unknown,
    });
    expect(model._decompose('fastest').error).toMatchObject({
      code: 'argument',
      message: expect.stringMatching(/onnxruntime/) as unknown,
    });
    expect(fleet._platform(-1).error).toMatchObject({ code: 'argument' });
    expect(fleet._adapt([model], new Float64Array(2), '{"family":"ncnn"}').error).toMatchObject({
      code: 'argument',
      message: expect.stringMatching(/1 models and 2 latencies/) as unknown,
    });
  });
});

// The same of wasm/latencast-tables.d.ts.
describe('raw module of tables', () => {
  const types = source('wasm/latencast-tables.d.ts');
  let module: RawTablesModule;
  let table: RawTable;
  let estimate: RawTableEstimate;

  beforeAll(async () => {
    const glue = new URL('build-wasm/wasm/latencast-tables.mjs', kRoot).href;
    const { default: create } = (await import(/* @vite-ignore */ glue)) as typeof import('../../wasm/latencast-tables.js');
    const wasmBinary = new Uint8Array(readFileSync(new URL('build-wasm/wasm/latencast-tables.wasm', kRoot)));
    module = await create({ wasmBinary });
    table = module._open('name,layers\nx,1\ny,2\nz,4\n', '{}').value!;
    estimate = table._estimate('["x"]', Float64Array.of(3), '{}').value!;
  });

  test('has the functions that are declared, and no others', () => {
    expectFunctions(module, declared(types, 'RawTablesModule'));
  });

  test.each([
    ['RawTable', () => table],
    ['RawTableEstimate', () => estimate],
  ])('%s has the methods that are declared, and no others', (name, handle) => {
    expectMethods(handle(), declared(types, name));
  });

  test('answers with failures instead of throwing', () => {
    expect(module._open('', '{}').error).toMatchObject({ code: 'argument', message: expect.stringMatching(/is empty/) as unknown });
    expect(table._values(0).error).toMatchObject({ code: 'argument', message: expect.stringMatching(/holds no numbers/) as unknown });
    expect(table._values(-1).error).toMatchObject({ code: 'argument' });
    expect(table._estimate('["w"]', Float64Array.of(3), '{}').error).toMatchObject({ code: 'architecture' });
    expect(table._estimate('["x"]', new Float64Array(2), '{}').error).toMatchObject({
      code: 'measurement',
      message: expect.stringMatching(/found 2 latencies for 1 names/) as unknown,
    });
    expect(table._estimate('[3]', new Float64Array(1), '{}').error).toBeDefined();
    expect(estimate._search(Float64Array.of(-1), new Float64Array(3)).error).toMatchObject({ code: 'argument' });
  });
});
