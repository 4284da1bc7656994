// npm's smtp-server as people make programs with it: troubled_apps.mjs CERT KEY USER PASSWORD NAME:PORT ...
import fs from 'node:fs';
import { SMTPServer } from 'smtp-server';

const [cert, key, user, password, ...ports] = process.argv.slice(2);
const refusal = (code, words) => Object.assign(new Error(words), { responseCode: code });
const read = (stream, done, why) => stream.on('data', () => {}).on('end', () => done(why, 'kept'));
const usual = {
    name: 'node.test',
    cert: fs.readFileSync(cert),
    key: fs.readFileSync(key),
    secure: true,
    authMethods: ['PLAIN', 'LOGIN'],
    onAuth: (login, session, done) => (login.password === password ? done(null, { user }) : done(new Error('Invalid username or password'))),
    onData: (stream, session, done) => read(stream, done),
};
const apps = {
    'database-at-sign-in': { onAuth: (login, session, done) => done(new Error('connect ECONNREFUSED 127.0.0.1:5432')) },
    'back-end': { onAuth: (login, session, done) => done(refusal(454, 'Cannot verify credentials at the moment, backend failure')) },
    'expired': { onAuth: (login, session, done) => done(refusal(535, '5.7.8 Password expired, please change it in the web interface')) },
    'address': { onAuth: (login, session, done) => done(refusal(535, `5.7.8 Access from ${session.remoteAddress} is not permitted for this API key`)) },
    'database': { onRcptTo: (recipient, session, done) => done(refusal(451, 'SQLITE_BUSY: database is locked')) },
    'disk': { onData: (stream, session, done) => read(stream, done, new Error("ENOSPC: no space left on device, open '/spool/1.eml'")) },
    'lmtp': { lmtp: true, secure: false },
};
const listening = ports.map(at => new Promise(ready => {
    const [name, port] = at.split(':');
    new SMTPServer({ ...usual, ...apps[name] }).listen(Number(port), '127.0.0.1', ready);
}));
Promise.all(listening).then(() => console.log('ready'));
