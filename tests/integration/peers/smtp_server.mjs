// npm's smtp-server: smtp_server.mjs CERT KEY FOLDER USER PASSWORD STARTTLS-PORT TLS-PORT
// The user's access token is TOKEN-OF-USER.
import fs from 'node:fs';
import { SMTPServer } from 'smtp-server';

const [cert, key, folder, user, password, starttls, tls] = process.argv.slice(2);
let kept = 0;
const refusal = code => Object.assign(new Error('asked for'), { responseCode: code });
const options = {
    name: 'node.test',
    cert: fs.readFileSync(cert),
    key: fs.readFileSync(key),
    authMethods: ['PLAIN', 'LOGIN', 'XOAUTH2'],
    size: 200 << 20,
    onAuth(login, session, done) {
        const right = login.method === 'XOAUTH2' ? login.accessToken === `TOKEN-OF-${user}` : login.password === password;
        if (login.username === user && right) done(null, { user });
        else if (login.method === 'XOAUTH2') done(null, { data: { status: '401', schemes: 'bearer', scope: 'mail.send' } });
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
