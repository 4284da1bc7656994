// npm's oidc-provider over HTTPS: idp.mjs CERT KEY PORT APP-KEY.json TOKEN-SECONDS
// Whoever types a name and any password is that person. State lies in memory.
import fs from 'node:fs';
import https from 'node:https';
import Provider from 'oidc-provider';

const [cert, key, port, appKey, seconds] = process.argv.slice(2);
const issuer = `https://localhost:${port}`;
const device = 'urn:ietf:params:oauth:grant-type:device_code';
const provider = new Provider(issuer, {
    clients: [
        // A native program (RFC 8252): the port of its redirect is its own choice.
        { client_id: 'outpost', application_type: 'native', token_endpoint_auth_method: 'none',
          grant_types: ['authorization_code', 'refresh_token', device], response_types: ['code'],
          redirect_uris: ['http://127.0.0.1/', 'http://localhost/'] },
        // Applications that sign in by themselves: by a secret, by a certificate.
        { client_id: 'robot', client_secret: 'robot-secret', grant_types: ['client_credentials'],
          redirect_uris: [], response_types: [], token_endpoint_auth_method: 'client_secret_basic' },
        { client_id: 'keyed', grant_types: ['client_credentials'], redirect_uris: [], response_types: [],
          token_endpoint_auth_method: 'private_key_jwt',
          jwks: { keys: [JSON.parse(fs.readFileSync(appKey))] } },
        // The mail server, which asks about tokens.
        { client_id: 'dovecot', client_secret: 'introspect-me', grant_types: [], redirect_uris: [],
          response_types: [], token_endpoint_auth_method: 'client_secret_basic' },
    ],
    scopes: ['openid', 'offline_access', 'email', 'profile', 'mail.send'],
    claims: { openid: ['sub'], email: ['email'], profile: ['name'] },
    conformIdTokenClaims: false,
    features: {
        devInteractions: { enabled: true },
        deviceFlow: { enabled: true },
        introspection: { enabled: true, allowedPolicy: (ctx, client) => client.clientId === 'dovecot' },
        revocation: { enabled: true },
        clientCredentials: { enabled: true },
    },
    ttl: { AccessToken: Number(seconds), ClientCredentials: Number(seconds), RefreshToken: 3600, DeviceCode: 600,
           Interaction: 600, Session: 3600, Grant: 3600, AuthorizationCode: 60, IdToken: 3600 },
    rotateRefreshToken: true,                   // and who shows a spent one loses the whole grant
    issueRefreshToken: async (ctx, client, code) =>
        client.grantTypeAllowed('refresh_token') && code.scopes.has('offline_access'),
    pkce: { required: () => true },
    cookies: { keys: ['tests'] },
    findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, email: id, name: 'A Person' }) }),
});
for (const event of ['grant.error', 'authorization.error', 'introspection.error', 'server_error'])
    provider.on(event, (ctx, error) => console.log(event, error.error, error.error_detail || error.message));
// Asked by a signal: no access token is good any more, though what gives new ones is.
const issued = [];
provider.on('access_token.saved', token => issued.push(token));
process.on('SIGUSR2', async () => {
    for (const token of issued.splice(0)) await token.destroy();
    console.log('withdrawn');
});
provider.on('grant.success', ctx => console.log('granted', ctx.oidc.params.grant_type));
https.createServer({ cert: fs.readFileSync(cert), key: fs.readFileSync(key) }, provider.callback())
    .listen(Number(port), 'localhost', () => console.log('ready'));
