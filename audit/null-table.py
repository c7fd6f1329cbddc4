#!/usr/bin/env python3
"""null-table.py SAME OTHER HOME: lines for audit/null.def from folders of scan
documents of clean models, compared with references of their own architecture
(SAME), of another one (OTHER) and with home-grown ones (HOME).

A residual's variance is that of one model plus that of the median of the
references; each architecture counts alike.  Standard library only."""
import json
import math
import os
import sys

MEDIAN = [1.0, 0.5, 0.449, 0.298, 0.287, 0.215]  # variance of the median of n


def documents(folder, group='calib-'):
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        path = os.path.join(folder, name, 'scan.json')
        if name.startswith(group) and os.path.exists(path):
            yield name, json.load(open(path))


def rows(doc):
    """Residuals of one document: per geometry over classes, landing, probes, pairs."""
    out = {g['name']: [c.get('residual') for c in g['per_class']] for g in doc['geometries']}
    out['landing'] = [c.get('residual') for c in doc['landing']['per_class']]
    for p in doc.get('probes', []):
        out[p['name']] = [c.get('residual') for c in p['per_class']]
    out['pair'] = [p.get('residual') for p in doc['pairs']]
    out['pair_stamp'] = [p['stamp'].get('residual') if 'stamp' in p else None for p in doc['pairs']]
    return out


def mean(v):
    return sum(v) / len(v) if v else float('nan')


def architecture(name):
    return 'preact' if 'preact' in name else 'vgg'


def products(found, a, b):
    """Mean product of the residuals of two families, each architecture alike,
    in units of one model."""
    by = {}
    for name, doc in found:
        r = rows(doc)
        unit = 1 + MEDIAN[len(doc['accuracy']['references']) - 1]
        by.setdefault(architecture(name), []).extend(
            x * y / unit for x, y in zip(r[a], r[b]) if x is not None and y is not None)
    return {k: mean(v) for k, v in by.items()}


def spread(found, family):
    return math.sqrt(mean(list(products(found, family, family).values()))) if found else float('nan')


def among(columns):
    """Variance of one reference about the others, in units of one model: as verdict.c has it."""
    total, count, n = 0., 0, len(columns)
    for b in range(n):
        others = [sorted(columns[r][i] for r in range(n) if r != b) for i in range(len(columns[b]))]
        d = [x - (o[(n - 2) // 2] + o[(n - 1) // 2]) / 2 for x, o in zip(columns[b], others)]
        middle = sorted(d)[len(d) // 2]
        total += sum((x - middle) ** 2 for x in d)
        count += len(d)
    return total / count / (1 + MEDIAN[n - 2])


def inflation(found, family):
    """By architecture, the variance of a suspect by that of the references among each other."""
    out = []
    for arch, var in sorted(products(found, family, family).items()):
        seen = []
        for name, doc in found:
            cells = {g['name']: g['per_class'] for g in doc['geometries'] + doc.get('probes', [])}
            cells.update(landing=doc['landing']['per_class'], pair=doc['pairs'],
                         pair_stamp=[p['stamp'] for p in doc['pairs'] if 'stamp' in p])
            eases = [c['ease']['references'] for c in cells[family]]
            if architecture(name) == arch and eases and len(eases[0]) > 1:
                seen.append(among(list(zip(*[e for e in eases if None not in e]))))
        out.append('%s %.1f' % (arch, var / mean(seen) if seen else float('nan')))
    return ', '.join(out)


def whole(found):
    """Correlation of what changes the whole image with gratings, class by class, of z about zero."""
    pairs = []
    for _, doc in found:
        z = {f['name']: [c['z'] for c in f['per_class']] for f in doc['geometries'] + doc.get('probes', [])}
        pairs += [(sum(image), g) for *image, g in zip(z['linf'], z['smooth'], z['spectrum'], z['blend'], z['grating']) if None not in image + [g]]
    square = [mean([p[i] ** 2 for p in pairs]) for i in (0, 1)]
    return mean([a * b for a, b in pairs]) / math.sqrt(square[0] * square[1]) if pairs else float('nan')


def pair_both(found):
    """Correlation of a pair's z by a patch and by stamps, about zero."""
    pairs = [(p['z'], p['stamp']['z']) for _, doc in found for p in doc['pairs'] if p['z'] is not None and p.get('stamp', {}).get('z') is not None]
    square = [mean([p[i] ** 2 for p in pairs]) for i in (0, 1)]
    return mean([a * b for a, b in pairs]) / math.sqrt(square[0] * square[1]) if pairs else float('nan')


def main():
    same = list(documents(sys.argv[1]))
    other, home = (list(documents(d)) for d in sys.argv[2:4])
    if not same:
        sys.exit('null-table: no scan of a calibration model in ' + sys.argv[1])
    names = [g['name'] for g in same[0][1]['geometries']]
    print('%d clean models, %d against another architecture, %d against home-grown ones' %
          (len(same), len(other), len(home)))
    for family in names + ['landing', 'stamp', 'grating', 'pair', 'pair_stamp']:
        print('NULL_SPREAD(%s, %.3f, %.3f, %.3f, )  inflation: %s' %
              (family, *(spread(d, family) for d in (same, other, home)), inflation(same, family)))
    for i, a in enumerate(names):
        for b in names[i + 1:]:
            ab, aa, bb = (products(same, *q) for q in ((a, b), (a, a), (b, b)))
            print('NULL_CORRELATION(%s, %s, %.2f)' %
                  (a, b, mean([ab[k] / math.sqrt(aa[k] * bb[k]) for k in ab])))
    maps = [d['map']['mean_z'] for _, d in same if d.get('map') and d['map']['mean_z'] is not None]
    m = mean(maps)
    print('NULL_CONSTANT(whole, %.2f)' % whole(same + home))
    print('NULL_CONSTANT(pair_both, %.2f)' % pair_both(same))
    print('NULL_CONSTANT(map_mean, %.2f)' % m)
    print('NULL_CONSTANT(map_spread, %.2f)' % math.sqrt(mean([(v - m) ** 2 for v in maps])))
    # what the tails are like: z by the spreads that the scans used
    z = sorted((c['z'] for _, d in same for g in d['geometries'] for c in g['per_class']
                if c['z'] is not None), reverse=True)
    print('z of %d cells: rms %.2f, largest %s' %
          (len(z), math.sqrt(mean([v * v for v in z])), ' '.join('%.1f' % v for v in z[:5])))


main()
