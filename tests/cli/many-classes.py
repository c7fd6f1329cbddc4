"""DIR [CLASSES]: linear models of 100 classes of 8 x 8 pixels, a suspect and a
reference that is a little different, and images of up to 200 classes that both
get right."""
import json, random, struct, sys

K, N, EACH = int(sys.argv[2]) if len(sys.argv) > 2 else 100, 64, 30
out = sys.argv[1]
rng = random.Random(1)


def model(path, rows):
    bias = [-.5 * sum(r) for r in rows]
    numbers = bias + [v for r in rows for v in r]
    nodes = [('Flatten', ['image'], 'flat', {'axis': 1}),
             ('Gemm', ['flat', 'w', 'b'], 'y', {'alpha': 1.0, 'beta': 1.0, 'transA': 0, 'transB': 1})]
    graph = {'schema': 'assay-model/1', 'input': {'name': 'image', 'shape': [-1, 1, 8, 8]}, 'output': 'y', 'classes': K,
             'source': {'format': 'onnx', 'producer': 'test', 'note': ''},
             'nodes': [{'op': op, 'name': o, 'inputs': i, 'outputs': [o], 'attrs': a} for op, i, o, a in nodes]}
    head = json.dumps({'__metadata__': {'assay.model': json.dumps(graph)},
                       'b': {'dtype': 'F32', 'shape': [K], 'data_offsets': [0, 4 * K]},
                       'w': {'dtype': 'F32', 'shape': [K, N], 'data_offsets': [4 * K, 4 * K * (N + 1)]}}).encode()
    head += b' ' * (-len(head) % 8)
    with open(path, 'wb') as f:
        f.write(struct.pack('<Q', len(head)) + head + struct.pack(f'<{len(numbers)}f', *numbers))


rows = [[rng.gauss(0, 1) for _ in range(N)] for _ in range(K)]
model(f'{out}/suspect.st', rows)
model(f'{out}/reference.st', [[v + rng.gauss(0, .2) for v in r] for r in rows])
pixels = bytes(max(0, min(255, round(255 * (.5 + .12 * v + rng.gauss(0, .03)))))
               for r in rows[:200] for _ in range(EACH) for v in r)
SEEN = min(K, 200)
with open(f'{out}/images.idx', 'wb') as f:
    f.write(struct.pack('>I3I', 0x803, SEEN * EACH, 8, 8) + pixels)
with open(f'{out}/labels.idx', 'wb') as f:
    f.write(struct.pack('>2I', 0x801, SEEN * EACH) + bytes(i // EACH for i in range(SEEN * EACH)))
