"""IN OUT CHANGE...: a neutral model, changed.
swap A B    the classes A and B change places
root        the image goes through the root of its square: the same numbers,
            and no gradient where a pixel is 0
zero        the logits are the same for every image
hard        the logits are one-hot, to the last bit: no gradient anywhere
never A     class A is never given
names N...  what its classes are called
"""
import json, struct, sys

source, to, change, *args = sys.argv[1:]
data = open(source, 'rb').read()
size = struct.unpack('<Q', data[:8])[0]
head, body = json.loads(data[8:8 + size]), bytearray(data[8 + size:])
model = json.loads(head['__metadata__']['assay.model'])
if change == 'swap':
    a, b = map(int, args)
    for name in model['nodes'][-1]['inputs'][1:]:
        begin, end = head[name]['data_offsets']
        row = (end - begin) // head[name]['shape'][0]
        at = [slice(begin + k * row, begin + (k + 1) * row) for k in (a, b)]
        body[at[0]], body[at[1]] = body[at[1]], body[at[0]]
elif change == 'never':
    begin = head[model['nodes'][-1]['inputs'][2]]['data_offsets'][0] + 4 * int(args[0])
    body[begin:begin + 4] = struct.pack('<f', -1e3)
elif change == 'zero':
    begin, end = head[model['nodes'][-1]['inputs'][1]]['data_offsets']
    body[begin:end] = bytes(end - begin)
elif change == 'root':
    for node in model['nodes']:
        node['inputs'] = ['rooted' if i == 'image' else i for i in node['inputs']]
    model['nodes'][:0] = [
        {'op': op, 'name': out, 'inputs': inputs, 'outputs': [out], 'attrs': {}}
        for op, inputs, out in (('Mul', ['image'] * 2, 'square'), ('Sqrt', ['square'], 'rooted'))]
elif change == 'hard':
    head['steep'] = {'dtype': 'F32', 'shape': [], 'data_offsets': [len(body), len(body) + 4]}
    body += struct.pack('<f', 1e4)
    model['nodes'] += [
        {'op': op, 'name': out, 'inputs': inputs, 'outputs': [out], 'attrs': attrs}
        for op, inputs, out, attrs in (('Mul', [model['output'], 'steep'], 'far', {}), ('Softmax', ['far'], 'hard', {'axis': 1}),
                                       ('Mul', ['hard', 'steep'], 'hardened', {}))]
    model['output'] = 'hardened'
else:
    model['labels'] = args
head['__metadata__']['assay.model'] = json.dumps(model)
text = json.dumps(head).encode()
text += b' ' * (-len(text) % 8)
open(to, 'wb').write(struct.pack('<Q', len(text)) + text + body)
