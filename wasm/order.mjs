// The functions of a WebAssembly module in another order, in which like follows like: gzip looks back 32 kB, and instances of one template are
// otherwise further apart. Nothing else changes; 5 to 7 % of the compressed module.
// node wasm/order.mjs MODULE.wasm...: writes each over.
import { readFileSync, writeFileSync } from 'node:fs';

const kSection = { import: 2, function: 3, export: 7, start: 8, element: 9, code: 10, custom: 0 };
/** What two functions have in common is counted in pieces of so many bytes. */
const kPiece = 6;
/** A piece that so many functions have says nothing. */
const kCommon = 400;
/** How many functions before it one is compared with. */
const kBack = 3;

/** Reads numbers and sections; `at` moves on. */
class Reader {
  constructor(bytes, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }
  byte() {
    return this.bytes[this.at++];
  }
  /** LEB128; the value counts where it is unsigned and below 2^31. */
  number() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      if (shift < 32) value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  }
  skip(count) {
    this.at += count;
  }
  numbers(count) {
    for (; count > 0; --count) this.number();
  }
  name() {
    this.skip(this.number());
  }
  limits() {
    this.numbers(this.byte() & 1 ? 2 : 1);
  }
}

function leb(value) {
  const bytes = [];
  do bytes.push((value & 127) | (value > 127 ? 128 : 0));
  while ((value >>>= 7) > 0);
  return bytes;
}

/** Passes one instruction; where it names a function, returns true before its number. */
function pass(reader) {
  const op = reader.byte();
  if (op === 0x10 || op === 0x12 || op === 0xd2) return true;
  if ((op >= 0x02 && op <= 0x04) || (op >= 0x06 && op <= 0x09) || op === 0x0c || op === 0x0d || op === 0x18) reader.number();
  else if (op === 0x0e) reader.numbers(reader.number() + 1);
  else if (op === 0x11 || op === 0x13) reader.numbers(2);
  else if (op === 0x1c) reader.numbers(reader.number());
  else if (op >= 0x20 && op <= 0x26) reader.number();
  else if (op >= 0x28 && op <= 0x3e) reader.numbers(2);
  else if (op === 0x3f || op === 0x40 || op === 0x41 || op === 0x42 || op === 0xd0) reader.number();
  else if (op === 0x43) reader.skip(4);
  else if (op === 0x44) reader.skip(8);
  else if (op === 0xfc) {
    const bulk = reader.number();
    if (bulk > 17) throw new Error(`order: found instruction fc ${bulk}; expected one of those up to 17`);
    reader.numbers(bulk < 8 ? 0 : [8, 10, 12, 14].includes(bulk) ? 2 : 1);
  } else if (op === 0xfd) {
    const simd = reader.number();
    if (simd < 12 || simd === 92 || simd === 93) reader.numbers(2);
    else if (simd === 12 || simd === 13) reader.skip(16);
    else if (simd >= 21 && simd <= 34) reader.skip(1);
    else if (simd >= 84 && simd <= 91) (reader.numbers(2), reader.skip(1));
  } else if (op > 0x1b && !(op >= 0x45 && op <= 0xc4) && op !== 0xd1) throw new Error(`order: found instruction ${op.toString(16)}; expected one that is known`);
  return false;
}

/** The bytes of a function's body, and where in them numbers of functions stand. */
function readBody(bytes) {
  const reader = new Reader(bytes);
  for (let groups = reader.number(); groups > 0; --groups) reader.numbers(2);
  const called = [];
  while (reader.at < bytes.length) {
    if (!pass(reader)) continue;
    const from = reader.at;
    called.push({ from, callee: reader.number(), to: reader.at });
  }
  return { bytes, called };
}

/** Each function follows the one it is most like. */
function chain(bodies) {
  const piecesOf = bodies.map(({ bytes }) => {
    const pieces = new Set();
    for (let i = 0; i + kPiece <= bytes.length; ++i) {
      let hash = 0;
      for (let j = 0; j < kPiece; ++j) hash = (Math.imul(hash, 0x01000193) + bytes[i + j] + 1) | 0;
      pieces.add(hash);
    }
    return pieces;
  });
  const having = new Map();
  piecesOf.forEach((pieces, f) => {
    for (const piece of pieces) having.has(piece) ? having.get(piece).push(f) : having.set(piece, [f]);
  });
  const left = new Set(bodies.keys());
  const longest = () => [...left].reduce((best, f) => (bodies[f].bytes.length > bodies[best].bytes.length ? f : best));
  const order = [];
  while (left.size > 0) {
    const shared = new Map();
    for (const f of order.slice(-kBack)) {
      for (const piece of piecesOf[f]) {
        const others = having.get(piece);
        if (others.length < kCommon) for (const g of others) if (left.has(g)) shared.set(g, (shared.get(g) ?? 0) + 1);
      }
    }
    let next;
    let most = 0;
    for (const [g, count] of shared) {
      const share = count / (piecesOf[g].size + 20);
      if (share > most) [next, most] = [g, share];
    }
    next ??= longest();
    order.push(next);
    left.delete(next);
  }
  return order;
}

/** Items of a section, one after the other: where each begins and ends. */
function items(reader, pass) {
  return Array.from({ length: reader.number() }, () => {
    const from = reader.at;
    pass(reader);
    return reader.bytes.subarray(from, reader.at);
  });
}

/** The module with its functions in another order, without what is not needed to run it. */
function order(module) {
  const sections = [];
  const reader = new Reader(module, 8);
  while (reader.at < module.length) {
    const id = reader.byte();
    const length = reader.number();
    sections.push({ id, bytes: module.subarray(reader.at, reader.at + length) });
    reader.skip(length);
  }
  const section = (id) => new Reader(sections.find((each) => each.id === id)?.bytes ?? Uint8Array.of(0));

  let imported = 0;
  items(section(kSection.import), (at) => {
    at.name();
    at.name();
    const kind = at.byte();
    if (kind === 0) (at.number(), ++imported);
    else if (kind === 1) (at.byte(), at.limits());
    else if (kind === 2) at.limits();
    else if (kind === 3) at.skip(2);
    else at.numbers(2);
  });
  const types = items(section(kSection.function), (at) => at.number());
  const bodies = items(section(kSection.code), (at) => at.skip(at.number())).map((bytes) => {
    const at = new Reader(bytes);
    at.number();
    return readBody(bytes.subarray(at.at));
  });
  const chosen = chain(bodies);
  const places = new Map(chosen.map((f, place) => [imported + f, imported + place]));
  const moved = (f) => leb(places.get(f) ?? f);

  const written = {
    [kSection.function]: () => [...leb(types.length), ...chosen.flatMap((f) => [...types[f]])],
    [kSection.start]: (at) => moved(at.number()),
    [kSection.export]: (at) => {
      const all = items(at, (each) => (each.name(), each.byte(), each.number()));
      const one = (bytes) => {
        const each = new Reader(bytes);
        each.name();
        if (each.byte() !== 0) return [...bytes];
        return [...bytes.subarray(0, each.at), ...moved(each.number())];
      };
      return [...leb(all.length), ...all.flatMap(one)];
    },
    [kSection.element]: (at) => {
      const out = [];
      const count = at.number();
      for (let segment = 0; segment < count; ++segment) {
        const from = at.at;
        const kind = at.number();
        if (kind !== 0) throw new Error(`order: found elements of kind ${kind}; expected those of the table, by number`);
        pass(at); // where in the table
        at.byte(); // its end
        out.push(...at.bytes.subarray(from, at.at));
        const members = at.number();
        out.push(...leb(members));
        for (let i = 0; i < members; ++i) out.push(...moved(at.number()));
      }
      return [...leb(count), ...out];
    },
    [kSection.code]: () => {
      const out = leb(bodies.length);
      for (const f of chosen) {
        const { bytes, called } = bodies[f];
        const body = [];
        let from = 0;
        for (const each of called) {
          for (; from < each.from; ++from) body.push(bytes[from]);
          body.push(...moved(each.callee));
          from = each.to;
        }
        for (; from < bytes.length; ++from) body.push(bytes[from]);
        out.push(...leb(body.length));
        for (const byte of body) out.push(byte);
      }
      return out;
    },
  };
  const out = [...module.subarray(0, 8)];
  for (const { id, bytes } of sections) {
    // Names and the like.
    if (id === kSection.custom) continue;
    const now = written[id]?.(new Reader(bytes)) ?? bytes;
    out.push(id, ...leb(now.length));
    for (const byte of now) out.push(byte);
  }
  const ordered = Uint8Array.from(out);
  if (!WebAssembly.validate(ordered)) throw new Error('order: what came out is no module');
  return ordered;
}

for (const path of process.argv.slice(2)) writeFileSync(path, order(new Uint8Array(readFileSync(path))));
