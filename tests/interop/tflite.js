// SPDX-License-Identifier: MIT
// The fixtures of fixtures/tflite in TensorFlow Lite itself, compiled to WebAssembly, beside fixtures/tflite-logits.
//
//     npm install --prefix build/peers --ignore-scripts --legacy-peer-deps @tensorflow/tfjs-tflite@0.0.1-alpha.10
//     node tests/interop/tflite.js
//
// Prints for each file the largest difference of what comes out (behind a softmax or the like), and fails above
// 1e-4; for integers, which the runtime rounds between layers, above 0.02.
'use strict';
const fs = require('fs');
const path = require('path');
const vm = require('vm');

const root = path.join(__dirname, '..', '..');
const wasm = path.join(process.env.PEERS || path.join(root, 'build', 'peers'), 'node_modules/@tensorflow/tfjs-tflite/wasm/tflite_web_api_cc');

const exp = v => { const m = Math.max(...v), e = v.map(x => Math.exp(x - m)), s = e.reduce((a, b) => a + b); return e.map(x => x / s); };
const ends = {
  none: v => v,
  softmax: exp,
  sigmoid: v => v.map(x => 1 / (1 + Math.exp(-x))),
  log_softmax: v => exp(v).map(Math.log),
  argmax: v => [v.indexOf(Math.max(...v))],
};
// what the file ends in; how it wants its image, which is (H, W, C) of pixels in [0,1]; shape
const files = {
  cnn: ['softmax', (x, i) => (x - [.5, .4, .3][i % 3]) / [.25, .25, .5][i % 3]],
  flat: ['sigmoid'],
  wide: ['none'],
  maths: ['log_softmax'],
  attention: ['none'],
  up: ['none'],
  'up-valid': ['none'],
  'up-gap': ['none'],
  rows: ['softmax'],
  numbers: ['softmax', x => (x - .5) / .25],
  'numbers-3': ['softmax', x => (x - .5) / .25],
  parts: ['none'],
  argmax: ['argmax'],
  old: ['none'],
  'same-names': ['none'],
  labels: ['none', x => (x - .5) / .5],
  'wrong-between': ['none'],
  'nchw-half': ['none', null, [8, 8, 3]],
  bytes: ['none', x => Math.round(x * 255)],
  uint8: ['softmax', x => Math.round(x * 255)],
  int8: ['softmax', x => Math.round(x * 255) - 128],
};

function image(pixels, [, map, planes]) {
  if (map)
    return pixels.map(map);
  if (!planes)
    return pixels;
  const [h, w, c] = planes;
  return pixels.map((_, i) => pixels[i % (h * w) * c + Math.floor(i / (h * w))]);
}

function run(m, name, how) {
  const file = fs.readFileSync(path.join(root, 'fixtures/tflite', `good-${name}.tflite`));
  const at = m._malloc(file.length);
  m.HEAPU8.set(file, at);
  const made = m.TFLiteWebModelRunner.CreateFromBufferAndOptions(at, file.length,
    {numThreads: 1, enableProfiling: false, maxProfilingBufferEntries: 1024});
  if (!made.ok())
    throw Error(made.errorMessage());
  const net = made.value(), input = net.GetInputs().get(0);
  const raw = fs.readFileSync(path.join(root, 'fixtures/tflite-logits', `${name}.f32`));
  const all = Array.from(new Float32Array(raw.buffer, raw.byteOffset, raw.length / 4));
  const n = input.data().length, classes = (all.length - 2 * n) / 2;
  let worst = 0;
  for (let k = 0; k < 2; k++) {
    input.data().set(image(all.slice(k * n, (k + 1) * n), how));
    if (!net.Infer())
      throw Error('it does not run');
    const want = ends[how[0]](all.slice(2 * n + k * classes, 2 * n + (k + 1) * classes));
    const got = net.GetOutputs().get(0).data();
    want.forEach((v, i) => { worst = Math.max(worst, Math.abs(v - Number(got[i]))); });
  }
  return worst;
}

async function main() {
  if (!fs.existsSync(`${wasm}.js`)) {
    console.log('interop: skipped, @tensorflow/tfjs-tflite is not installed');
    return;
  }
  global.self = global;
  vm.runInThisContext(fs.readFileSync(`${wasm}.js`, 'utf8') + ';globalThis.factory = tflite_web_api_ModuleFactory');
  const m = await globalThis.factory({wasmBinary: fs.readFileSync(`${wasm}.wasm`), print: () => {}, printErr: s => process.env.VERBOSE && console.error(s)});
  for (const [name, how] of Object.entries(files)) {
    const limit = name.endsWith('int8') ? .02 : 1e-4;
    let says;
    try {
      const worst = run(m, name, how);
      says = worst.toExponential(1);
      if (!(worst <= limit))
        process.exitCode = 1;
    } catch (e) {
      says = `refused: ${e.message || e}`;
      process.exitCode = 1;
    }
    console.log(`good-${name}: ${says}`);
  }
}

main();
