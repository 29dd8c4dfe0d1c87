// An ONNX file with weights in it, made from one of tests/golden/models, which have none: files of their true size, without
// keeping them. All weights are zero; nothing reads them.

/** Pieces of the file, in order, and how long it is. `bytes`: of a file without weights. */
export function withWeights(bytes) {
  const parts = rewrite(bytes, kModel);
  return { parts, size: total(parts) };
}

// Field numbers of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto: a model's graph, a graph's initialisers.
const kModel = { 7: { 5: 'tensor' } };
const kDims = 1;
const kType = 2;
const kRawData = 9;
const kFloat = 1;
/** The importer reads shorter constants, which the golden files have kept. */
const kKept = 16;

function rewrite(bytes, holds) {
  const parts = [];
  for (const { key, field, from, begin, end } of fields(bytes)) {
    const inner = holds[field];
    if (inner === undefined) {
      parts.push(bytes.subarray(from, end));
      continue;
    }
    const message = bytes.subarray(begin, end);
    const pieces = inner === 'tensor' ? filled(message) : rewrite(message, inner);
    parts.push(Uint8Array.from([...varint(key), ...varint(total(pieces))]), ...pieces);
  }
  return parts;
}

function filled(tensor) {
  let elements = 1;
  let type;
  for (const { field, begin, end, value } of fields(tensor)) {
    if (field === kType) type = value;
    if (field === kDims) for (const length of value === undefined ? packed(tensor, begin, end) : [value]) elements *= length;
  }
  if (type !== kFloat || elements <= kKept) return [tensor];
  const size = 4 * elements;
  return [tensor, Uint8Array.from([...varint(kRawData * 8 + 2), ...varint(size)]), new Uint8Array(size)];
}

/** Every field: its key, where it starts and ends, where its text begins or what its number is. */
function* fields(bytes) {
  for (let at = 0; at < bytes.length; ) {
    const from = at;
    const key = read(bytes, at);
    const field = key.value >> 3;
    const wire = key.value & 7;
    const base = { key: key.value, field, from };
    if (wire === 0) {
      const number = read(bytes, key.end);
      at = number.end;
      yield { ...base, begin: key.end, end: at, value: number.value };
    } else if (wire === 2) {
      const length = read(bytes, key.end);
      at = length.end + length.value;
      yield { ...base, begin: length.end, end: at };
    } else {
      at = key.end + (wire === 1 ? 8 : 4);
      yield { ...base, begin: key.end, end: at };
    }
  }
}

function* packed(bytes, begin, end) {
  for (let at = begin; at < end; ) {
    const { value, end: next } = read(bytes, at);
    yield value;
    at = next;
  }
}

function read(bytes, from) {
  let value = 0;
  for (let at = from, unit = 1; ; ++at, unit *= 128) {
    value += (bytes[at] & 127) * unit;
    if (bytes[at] < 128) return { value, end: at + 1 };
  }
}

function varint(value) {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

function total(parts) {
  return parts.reduce((sum, part) => sum + part.length, 0);
}
