#!/usr/bin/env python3
"""same-model.py A B: whether two neutral models are the same but for the list
of the files that they were read from.  Standard library only."""
import json
import struct
import sys


def parts(path):
    with open(path, 'rb') as f:
        data = f.read()
    end = 8 + struct.unpack('<Q', data[:8])[0]
    head = json.loads(data[8:end])
    model = json.loads(head['__metadata__'].pop('assay.model'))
    model['source'].pop('files', None)
    return head, model, data[end:]


sys.exit(parts(sys.argv[1]) != parts(sys.argv[2]))
