"""Opens what outpost has sealed with the key beside it, to know the secrets that it got by itself."""
import ctypes
import ctypes.util
import json
import os

MAGIC, NONCE = b'outpost sealed 2', 24


def _library():
    library = ctypes.CDLL(ctypes.util.find_library('sodium') or 'libsodium.so.23')
    library.sodium_init()
    return library


def opened(state, folder, name):
    """The bytes; None where they are sealed with another key than the file's."""
    with open(os.path.join(state, folder, name), 'rb') as f:
        sealed = f.read()
    head, nonce, box = sealed[:len(MAGIC) + 1], sealed[len(MAGIC) + 1:][:NONCE], sealed[len(MAGIC) + 1 + NONCE:]
    if head != MAGIC + b'f':
        return None
    with open(os.path.join(state, 'key'), 'rb') as f:
        key = f.read()
    known = head + ('%s/%s' % (folder, name)).encode()
    plain, size = ctypes.create_string_buffer(len(box)), ctypes.c_ulonglong()
    bad = _library().crypto_aead_xchacha20poly1305_ietf_decrypt(
        plain, ctypes.byref(size), None, box, ctypes.c_ulonglong(len(box)), known, ctypes.c_ulonglong(len(known)),
        nonce, key)
    return None if bad else plain.raw[:size.value]


def tokens(state):
    """(what it is, the token) for every sign-in that is kept there."""
    folder = os.path.join(state, 'grants')
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        text = None if name.startswith('.') else opened(state, 'grants', name)
        grant = json.loads(text) if text else {}
        if grant.get('refresh_token'):
            yield 'refresh token of ' + name, grant['refresh_token']
        for token in grant.get('tokens', ()):
            if token.get('token'):
                yield 'access token of ' + name, token['token']
