# Every finding has an entry in audit/taxonomy.json, its own or its family's
# ("ZIP_*"); every id there is used and the lists are sorted.
python3 - <<'PY' || exit 1
import json, re, sys
t = json.load(open('audit/taxonomy.json'))
ids = re.findall(r'^FINDING\((\w+),', open('base/finding.def').read(), re.M)
keys, bad = t['findings'], []
families = [k[:-1] for k in keys if k.endswith('_*')]
for i in ids:
    if i not in keys and not any(i.startswith(f) for f in families):
        bad.append(f'finding {i} has no entry: one line in "findings", a class of "classes"')
# BEHAVIOUR_TARGET is made by assay-report
bad += [f'"findings": {k} is no finding' for k in keys if '*' not in k and k not in ids and k != 'BEHAVIOUR_TARGET']
used = {x for v in [*keys.values(), *t['classes'].values()] for x in v}
bad += [f'{x} is in no list of the file' for x in used if x not in t['ids'] and x not in t['classes']]
bad += [f'id {x} is not used' for x in t['ids'] if x not in used]
for name in ('classes', 'findings'):
    have = [k for k in t[name] if '*' not in k]
    if have != sorted(have):
        bad.append(f'"{name}" is not sorted')
print('\n'.join('audit/taxonomy.json: ' + b for b in bad), end='\n' if bad else '')
sys.exit(bool(bad))
PY
