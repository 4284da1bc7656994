// npm's smtp-server: smtp_server.mjs CERT KEY FOLDER USER PASSWORD STARTTLS-PORT TLS-PORT
import fs from 'node:fs';
import { SMTPServer } from 'smtp-server';

const [cert, key, folder, user, password, starttls, tls] = process.argv.slice(2);
let kept = 0;
const refusal = code => Object.assign(new Error('asked for'), { responseCode: code });
const options = {
    name: 'node.test',
    cert: fs.readFileSync(cert),
    key: fs.readFileSync(key),
    authMethods: ['PLAIN', 'LOGIN'],
    size: 200 << 20,
    onAuth(login, session, done) {
        if (login.username === user && login.password === password) done(null, { user });
        else done(new Error('Invalid username or password'));
    },
    onRcptTo(recipient, session, done) {
        const asked = /^code(\d{3})@/.exec(recipient.address);
        done(asked ? refusal(Number(asked[1])) : null);
    },
    onData(stream, session, done) {
        const file = fs.createWriteStream(`${folder}/${++kept}.eml`);
        stream.pipe(file).on('finish', () => done(null, 'kept'));
    },
};
new SMTPServer({ ...options, secure: true }).listen(Number(tls), '127.0.0.1', () =>
    new SMTPServer({ ...options, secure: false }).listen(Number(starttls), '127.0.0.1', () => console.log('ready')));
