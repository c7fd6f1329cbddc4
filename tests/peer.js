/* SPDX-License-Identifier: MIT
 * For tests/conformance-models.py and tests/bench.py: onnxruntime-node on an
 * ONNX file.
 *
 *     node peer.js MODEL INPUT N,C,H,W THREADS [OUTPUT]
 *
 * INPUT: little-endian floats.  With OUTPUT, one pass, whose logits go there.
 * Else "ready", then for each line on standard input the milliseconds of a
 * pass, and at the end "memory KIB", what the passes took.
 */
"use strict";
const fs = require("fs");
const ort = require("onnxruntime-node");
const readline = require("readline");

function status(field) {
	const text = fs.readFileSync("/proc/self/status", "utf8");
	return parseInt(text.match(new RegExp(field + ":\\s*(\\d+)"))[1], 10);
}

async function main(model, input, dims, threads, output) {
	const bytes = fs.readFileSync(input);
	const shape = dims.split(",").map(Number);
	const count = shape.reduce((a, b) => a * b);
	const x = new Float32Array(bytes.buffer, bytes.byteOffset, count);
	const session = await ort.InferenceSession.create(model,
	    {intraOpNumThreads: Number(threads), interOpNumThreads: 1,
	     extra: {session: {intra_op: {allow_spinning: "0"}}}});
	const feed = {[session.inputNames[0]]: new ort.Tensor("float32", x, shape)};
	const pass = async () => (await session.run(feed))[session.outputNames[0]];

	if (output) {
		const y = (await pass()).data;
		fs.writeFileSync(output, Buffer.from(y.buffer, y.byteOffset, y.byteLength));
		return;
	}
	fs.writeFileSync("/proc/self/clear_refs", "5"); /* forget the peak */
	const before = status("VmRSS");
	console.log("ready");
	for await (const line of readline.createInterface({input: process.stdin})) {
		const from = process.hrtime.bigint();
		await pass();
		console.log((Number(process.hrtime.bigint() - from) / 1e6).toFixed(4));
	}
	console.log("memory " + (status("VmHWM") - before));
}

main(...process.argv.slice(2)).catch(e => {
	console.error(e.message);
	process.exit(2);
});
