"""schema.py FOLDER SCHEMA DOCUMENT: validate a document against a third party's
JSON schema in FOLDER; other schemas there are found by their $id."""
import json
import os
import sys

import jsonschema

folder, name, path = sys.argv[1:]
store = {}
for at, _, files in os.walk(folder):
    for one in files:
        if one.endswith(".json"):
            try:
                doc = json.load(open(os.path.join(at, one), encoding="utf-8"))
            except ValueError:
                continue
            ref = doc.get("$id") or doc.get("id") if isinstance(doc, dict) else None
            if ref:
                store[ref] = doc
schema = json.load(open(os.path.join(folder, name), encoding="utf-8"))
resolver = jsonschema.RefResolver.from_schema(schema, store=store)
cls = jsonschema.validators.validator_for(schema)
bad = list(cls(schema, resolver=resolver).iter_errors(json.load(open(path, encoding="utf-8"))))
for one in bad[:10]:
    print("/".join(map(str, one.absolute_path)), one.message[:300])
sys.exit(1 if bad else 0)
