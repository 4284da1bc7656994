// One message by Thunderbird's own compose and SMTP code, as its windows would send it; run in its chrome context.
const [way, sender, recipient, subject, text, done] = arguments;
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");

function server() {
    const server = MailServices.outgoingServer.createServer("smtp");
    const smtp = server.QueryInterface(Ci.nsISmtpServer);
    smtp.hostname = "localhost";
    smtp.port = way.port;
    server.socketType = Ci.nsMsgSocketType[{ starttls: "alwaysSTARTTLS", tls: "SSL", none: "plain" }[way.encryption]];
    server.authMethod = way.user ? Ci.nsMsgAuthMethod.passwordCleartext : Ci.nsMsgAuthMethod.none;
    if (way.user) {
        server.username = way.user;
        server.password = way.password;
    }
    return server;
}

function identity() {
    const identity = MailServices.accounts.createIdentity();
    identity.email = sender;
    identity.smtpServerKey = server().key;
    identity.doFcc = false;
    identity.composeHtml = false;
    return identity;
}

function compose(identity) {
    const fields = Cc["@mozilla.org/messengercompose/composefields;1"].createInstance(Ci.nsIMsgCompFields);
    const params = Cc["@mozilla.org/messengercompose/composeparams;1"].createInstance(Ci.nsIMsgComposeParams);
    const compose = Cc["@mozilla.org/messengercompose/compose;1"].createInstance(Ci.nsIMsgCompose);
    Object.assign(fields, { from: sender, to: recipient, subject, body: text, forcePlainText: true });
    Object.assign(params, { composeFields: fields, identity, format: Ci.nsIMsgCompFormat.PlainText });
    compose.initialize(params);
    return compose;
}

(async () => {
    const as = identity();
    await compose(as).sendMsg(Ci.nsIMsgCompDeliverMode.Now, as, "", null, null);
    done("sent");
})().catch(error => done(`failed: ${error} ${error.stack || ""}`));
