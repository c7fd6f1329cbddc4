// SPDX-License-Identifier: MIT
// Signed reports in Sigstore's own verifier: what assay-verify accepts it must accept, what it refuses
// assay-verify must refuse, and where it is the laxer one, that is said.
//
//     npm install --prefix build/peers --ignore-scripts @sigstore/verify @sigstore/bundle @sigstore/core
//     node tests/interop/sigstore.js [build/release]
//
// Prints a line for each signed file, and `skipped` where those packages are not.
'use strict';
const fs = require('fs');
const os = require('os');
const path = require('path');
const crypto = require('crypto');
const { execFileSync, spawnSync } = require('child_process');

const root = path.join(__dirname, '..', '..');
const peers = path.join(process.env.PEERS || path.join(root, 'build', 'peers'), 'node_modules', '@sigstore');
const bin = path.resolve(process.argv[2] || path.join(root, 'build', 'release'), 'bin');
let verify, bundle, core;
try {
  [verify, bundle, core] = ['verify', 'bundle', 'core'].map(m => require(path.join(peers, m)));
} catch (e) {
  console.log('skipped: @sigstore/verify is not in', peers);
  process.exit(0);
}

const tmp = fs.mkdtempSync(path.join(os.tmpdir(), 'assay-sigstore-'));
process.on('exit', () => fs.rmSync(tmp, { recursive: true }));
const at = name => path.join(tmp, name);
const run = (command, ...args) => execFileSync(command, args, { cwd: tmp, stdio: ['ignore', 'pipe', 'pipe'] });
const openssl = (...args) => run('openssl', ...args);
const write = (name, text) => fs.writeFileSync(at(name), text);

// --- keys, an authority, an authority of time
for (const k of ['ec', 'other', 'ca', 'tsa'])
  openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', k + '.pem');
openssl('genpkey', '-algorithm', 'ed25519', '-out', 'ed.pem');
for (const k of ['ec', 'ed', 'other']) openssl('pkey', '-in', k + '.pem', '-pubout', '-out', k + '.pub');
openssl('req', '-x509', '-new', '-key', 'ca.pem', '-days', '30', '-subj', '/CN=root', '-addext', 'keyUsage=critical,keyCertSign', '-out', 'ca.crt');
const issue = (name, key, extensions) => {
  write('ext', extensions + '\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n');
  openssl('req', '-new', '-key', key + '.pem', '-subj', '/CN=' + name, '-out', 'csr');
  openssl('x509', '-req', '-in', 'csr', '-CA', 'ca.crt', '-CAkey', 'ca.pem', '-CAcreateserial', '-extfile', 'ext', '-days', '30', '-out', name + '.crt');
};
const who = 'auditor@lab.example';
issue('leaf', 'ec', 'keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\nsubjectAltName=email:' + who);
issue('tsa', 'tsa', 'keyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping');
write('serial', '01\n');
write('ts.conf', `[tsa]\ndefault_tsa=x\n[x]\nserial=${at('serial')}\nsigner_cert=${at('tsa.crt')}\nsigner_key=${at('tsa.pem')}\ncerts=${at('tsa.crt')}\nsigner_digest=sha256\ndefault_policy=1.2.3.4\ndigests=sha256\n`);

// --- reports
run('sh', path.join(root, 'tests/case.sh'), 'backdoored', at('case'));
const report = (name, ...args) => {
  const r = spawnSync(path.join(bin, 'assay-report'), [at('case'), '-o', at(name), ...args]);
  if (r.status !== 1) throw new Error(`assay-report: status ${r.status}: ${r.stderr}`);
  return at(name);
};
const stamp = name => {
  run(path.join(bin, 'assay-report'), at(name), '--timestamp-query', at('q'));
  openssl('ts', '-reply', '-queryfile', 'q', '-config', 'ts.conf', '-out', 'a');
  run(path.join(bin, 'assay-report'), at(name), '--attach-timestamp', at('a'));
};
report('r-ec', '--key', at('ec.pem'));
report('r-ed', '--key', at('ed.pem'));
report('r-oms', '--key', at('ec.pem'), '--model-signature');
report('r-cert', '--key', at('ec.pem'), '--certificate', at('leaf.crt'));
report('r-ts', '--key', at('ec.pem'));
report('r-cert-ts', '--key', at('ec.pem'), '--certificate', at('leaf.crt'));
stamp('r-ts');
stamp('r-cert-ts');

// --- the two verifiers
const x509 = name => core.X509Certificate.parse(fs.readFileSync(at(name), 'utf8'));
const always = { start: new Date(0), end: new Date(8.64e15) };
const theirs = (file, key, { cert = false, time = false } = {}) => {
  const material = {
    certificateAuthorities: cert ? [{ certChain: [x509('ca.crt')], validFor: always }] : [],
    timestampAuthorities: time ? [{ certChain: [x509('tsa.crt'), x509('ca.crt')], validFor: always }] : [],
    tlogs: [], ctlogs: [],
    publicKey: () => ({ publicKey: crypto.createPublicKey(fs.readFileSync(at(key + '.pub'))), validFor: () => true }),
  };
  const verifier = new verify.Verifier(material, { ctlogThreshold: 0, tlogThreshold: 0, timestampThreshold: time ? 1 : 0 });
  try {
    verifier.verify(verify.toSignedEntity(bundle.bundleFromJSON(JSON.parse(fs.readFileSync(file, 'utf8')))),
      cert ? { subjectAlternativeName: who } : undefined);
    return true;
  } catch (e) {
    return false;
  }
};
const ours = (file, key, { cert = false, time = false } = {}) => {
  const args = [file, '--no-derived', ...(cert ? ['--ca', at('ca.crt'), '--identity', who] : ['--key', at(key + '.pub')]), ...(time ? ['--tsa-ca', at('ca.crt')] : [])];
  const r = spawnSync(path.join(bin, 'assay-verify'), args);
  if (r.status !== 0 && r.status !== 1) throw new Error(`assay-verify: status ${r.status}: ${r.stderr}`);
  return r.status === 0;
};

// --- what is compared
let bad = 0;
const say = (name, them, us, fine) => {
  bad += !fine;
  console.log(`${fine ? 'ok    ' : 'NOT OK'} ${name.padEnd(44)} sigstore ${them ? 'accepts' : 'refuses'}, assay ${us ? 'accepts' : 'refuses'}`);
};
const both = (name, want, file, key, how) => {
  const them = theirs(file, key, how), us = ours(file, key, how);
  say(name, them, us, them === want && us === want);
};
const signed = dir => path.join(at(dir), 'audit.sigstore.json');
both('P-256', true, signed('r-ec'), 'ec');
both('Ed25519', true, signed('r-ed'), 'ed');
both('P-256 with a timestamp', true, signed('r-ts'), 'ec', { time: true });
{
  // they judge a chain by the times of timestamps alone
  const how = { cert: true }, them = theirs(signed('r-cert'), 'ec', how), us = ours(signed('r-cert'), 'ec', how);
  say('a certificate without one', them, us, us && !them);
}
both('a certificate with a timestamp', true, signed('r-cert-ts'), 'ec', { cert: true, time: true });
both('another key', false, signed('r-ec'), 'other');
both('a key of another kind', false, signed('r-ec'), 'ed');
both('no timestamp where one is wanted', false, signed('r-ec'), 'ec', { time: true });
{
  const oms = path.join(at('r-oms'), 'model.sig'), them = theirs(oms, 'ec');
  say('model.sig: signed, but no report', them, ours(oms, 'ec'), them && !ours(oms, 'ec'));
}

const changed = (name, change, from = 'r-ec') => {
  const b = JSON.parse(fs.readFileSync(signed(from), 'utf8'));
  const text = change(b) || JSON.stringify(b);
  write('changed', text);
  return [name, at('changed')];
};
const flip = (s, i) => { const b = Buffer.from(s, 'base64'); b[(b.length + i) % b.length] ^= 1; return b.toString('base64'); };
const refused = [
  ['a bit of the payload', b => { b.dsseEnvelope.payload = flip(b.dsseEnvelope.payload, 100); }],
  ['a bit of the signature', b => { b.dsseEnvelope.signatures[0].sig = flip(b.dsseEnvelope.signatures[0].sig, -1); }],
  ['another payloadType', b => { b.dsseEnvelope.payloadType = 'application/json'; }],
  ['no signature', b => { b.dsseEnvelope.signatures = []; }],
  ['two signatures', b => { b.dsseEnvelope.signatures.push(b.dsseEnvelope.signatures[0]); }],
  ['no envelope', b => { delete b.dsseEnvelope; }],
  ['no material', b => { delete b.verificationMaterial; }],
];
for (const [name, change] of refused) both(...[...changed(name, change)].toSpliced(1, 0, false), 'ec');
both(...[...changed('the timestamp of another signature', b => {
  const other = JSON.parse(fs.readFileSync(signed('r-cert-ts'), 'utf8'));
  b.verificationMaterial.timestampVerificationData = other.verificationMaterial.timestampVerificationData;
}, 'r-ts')].toSpliced(1, 0, false), 'ec', { time: true });
const lax = [
  ['an unknown field', b => { b.note = 'verdict pass'; }],
  ['a version that is not there yet', b => { b.mediaType = b.mediaType.replace('v0.3', 'v0.9'); }],
  ['a key twice', b => JSON.stringify(b).replace('"payload":', '"payload":"e30=","payload":')],
  ['a line end in base64', b => { b.dsseEnvelope.payload += '\n'; }],
];
for (const [name, change] of lax) {
  const [, file] = changed(name, change), us = ours(file, 'ec');
  say(name + ' (theirs to decide)', theirs(file, 'ec'), us, !us);
}
process.exit(bad ? 1 : 0);
