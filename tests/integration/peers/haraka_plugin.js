// What the tests want of Haraka: refuse codeNNN@..., keep everything else as it came.
const fs = require('node:fs');
const os = require('node:os');
const DSN = require('haraka-dsn');

exports.hook_rcpt = (next, connection, [recipient]) => {
    const asked = /^code(\d)(\d\d)$/.exec(recipient.user);
    if (!asked) return next(OK);
    const passing = asked[1] === '4';
    const status = DSN.create(Number(asked[1] + asked[2]), 'asked for', passing ? 2 : 1, 1);
    next(passing ? DENYSOFT : DENY, status);
};

// Whoever has signed in is relayed for: its queue of outgoing mail is asked, not the one for incoming.
exports.hook_queue_outbound = (next, connection) => {
    const { message_stream, uuid } = connection.transaction;
    const file = fs.createWriteStream(`${os.tmpdir()}/${uuid}.eml`);
    file.once('close', () => next(OK));
    message_stream.pipe(file);
};
